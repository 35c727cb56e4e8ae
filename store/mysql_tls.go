package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"
)

var (
	errSQLiteCA = errors.New("a certificate authority of the database is for mysql: only; a SQLite file has no server")
	errSocketCA = errors.New("a certificate authority of the database needs a DSN with tcp(HOST:PORT), " +
		"whose host name the server's certificate must have; a unix socket has none")
	errDSNTLS = errors.New("the parameter tls of the DSN contradicts the certificate authority of the database, " +
		"with which connections always use TLS and verify the server: remove it")
)

// requireTLS has all connections use TLS, to a server whose certificate is from one of the authorities and has the host
// name of cfg. No authorities leave it to cfg.
func requireTLS(cfg *mysql.Config, authorities *x509.CertPool) error {
	if authorities == nil {
		return nil
	}
	if !strings.HasPrefix(cfg.Net, "tcp") {
		return errSocketCA
	}
	if cfg.TLSConfig != "" && cfg.TLSConfig != "true" {
		return errDSNTLS
	}
	// The driver takes the server's name from the address.
	cfg.TLS = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	cfg.AllowFallbackToPlaintext = false
	return nil
}
