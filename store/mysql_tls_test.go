package store_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"registrar/engine"
	"registrar/internal/servertest"
	"registrar/store"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// With an authority, every connection to a MySQL server uses TLS, and the server has a certificate of the authority for
// the host name of the DSN. Anything else is refused, for good, and nothing is sent in the clear.
func TestDatabaseCA(t *testing.T) {
	t.Parallel()
	authority, another := servertest.NewAuthority(t), servertest.NewAuthority(t)
	cert, key := authority.Issue(t, &x509.Certificate{DNSNames: []string{"localhost"}})
	s := storetest.NewServerWith(t, mariadb.Config{Kind: mariadb.MariaDB, Port: 1})
	start := func(args ...string) (port string) {
		t.Helper()
		var err error
		for range 10 { // another process may take the port first
			port = freePort(t)
			if err = s.Start(append(args, "--port="+port)...); err == nil {
				return port
			}
			s.Kill()
		}
		t.Fatal(err)
		return ""
	}
	port := start("--ssl-cert="+servertest.File(t, "cert.pem", cert), "--ssl-key="+servertest.File(t, "key.pem", key))
	base, err := mysql.ParseDSN(s.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	// The server lets one of these users in only by TLS, and has the other log in by either.
	storetest.Exec(t, base, "CREATE USER secured@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL",
		"CREATE USER any@'%' IDENTIFIED BY 'hunter2'", "GRANT ALL ON *.* TO secured@'%'", "GRANT ALL ON *.* TO any@'%'")
	dsn := func(user, host, parameters string) string {
		return fmt.Sprintf("mysql:%s:hunter2@tcp(%s)/%s%s", user, net.JoinHostPort(host, port), base.DBName, parameters)
	}

	c := store.Config{Database: dsn("secured", "localhost", ""), Migrate: true}
	if _, err := store.Open(t.Context(), c); err == nil {
		t.Error("without TLS: the server let the user in, so that the test shows nothing")
	}
	c.DatabaseCA = authority.Pool()
	if err := open(t, c).AddClient(t.Context(), newClient("a")); err != nil {
		t.Errorf("with TLS: %v", err)
	}
	if _, _, err := store.Migrate(t.Context(), c, store.LatestVersion); err != nil {
		t.Errorf("migrating: %v", err)
	}
	c.Database = dsn("secured", "localhost", "?tls=true&allowFallbackToPlaintext=true")
	wantClient(t, open(t, c), "a")

	for name, tt := range map[string]struct {
		database    string
		authorities *x509.CertPool
		says        string
	}{
		"another authority": {dsn("any", "localhost", ""), another.Pool(), "unknown authority"},
		"no authority":      {dsn("any", "localhost", ""), x509.NewCertPool(), "unknown authority"},
		"another host name": {dsn("any", "127.0.0.1", ""), authority.Pool(), "127.0.0.1"},
		"TLS that is not asked": {dsn("any", "localhost", "?tls=false"), authority.Pool(),
			"the parameter tls of the DSN"},
		"no verification": {dsn("any", "localhost", "?tls=skip-verify"), authority.Pool(),
			"the parameter tls of the DSN"},
		"TLS if it is there": {dsn("any", "localhost", "?tls=preferred"), authority.Pool(),
			"the parameter tls of the DSN"},
		"a socket": {"mysql:" + base.FormatDSN(), authority.Pool(), "needs a DSN with tcp(HOST:PORT)"},
		"SQLite": {"sqlite:" + filepath.Join(t.TempDir(), "test.db"), authority.Pool(),
			"for mysql: only"},
	} {
		c := store.Config{Database: tt.database, DatabaseCA: tt.authorities, Migrate: true}
		wantRefused(t, name, c, tt.says)
	}

	s.Kill()
	port = start("--skip-ssl")
	c = store.Config{Database: dsn("any", "localhost", ""), Migrate: true}
	wantClient(t, open(t, c), "a")
	c.DatabaseCA = authority.Pool()
	wantRefused(t, "a server without TLS", c, "does not support TLS")
}

// wantRefused checks that a database can neither be opened nor migrated, and that another attempt would not help.
func wantRefused(t *testing.T, name string, c store.Config, says string) {
	t.Helper()
	_, opening := store.Open(t.Context(), c)
	_, _, migrating := store.Migrate(t.Context(), c, store.LatestVersion)
	for _, err := range []error{opening, migrating} {
		if err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, engine.ErrUnavailable) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want a permanent error that says %q", name, err, says)
		}
	}
}

// freePort returns a port of this machine on which no server listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// wantClient checks that a client is stored.
func wantClient(t *testing.T, s *store.Store, id string) {
	t.Helper()
	if _, err := s.Client(t.Context(), id); err != nil {
		t.Errorf("client %s: %v", id, err)
	}
}
