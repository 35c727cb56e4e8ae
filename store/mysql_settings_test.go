package store_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"registrar/store"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// A lockedLog is a log that connections may write to at the same time.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// warnings returns the configuration of a database, and the log of its warnings.
func warnings(dsn string) (store.Config, *lockedLog) {
	log := &lockedLog{}
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})
	return store.Config{Database: "mysql:" + dsn, Logger: slog.New(handler)}, log
}

// misspelling returns the DSN of a database behind a relay that misspells a variable, which the server then does not
// know.
func misspelling(t testing.TB, dsn, variable string) string {
	t.Helper()
	_, through := newRelay(t, dsn, func(packet []byte) bool {
		if at := bytes.Index(packet, []byte(variable)); at >= 0 {
			packet[at] = 'x'
		}
		return false
	})
	return through
}

// The store works without settings that are merely good, and warns of each once, however many connections it makes.
func TestRefusedSettings(t *testing.T) {
	for variable, says := range map[string]string{
		"time_zone":                      "the database refuses a setting",
		"innodb_lock_wait_timeout":       "the database refuses a setting",
		"innodb_flush_log_at_trx_commit": "the database does not tell a setting",
		"max_allowed_packet":             "the database does not tell a setting",
	} {
		t.Run(variable, func(t *testing.T) {
			onMySQLs(t, func(t *testing.T, dsn string) {
				cfg, log := warnings(misspelling(t, dsn, variable))
				s := open(t, cfg)
				var writing sync.WaitGroup
				for i := range 8 {
					writing.Go(func() {
						if err := s.AddClient(t.Context(), newClient(fmt.Sprint(i))); err != nil {
							t.Error(err)
						}
						exists(t, s, fmt.Sprint(i))
					})
				}
				writing.Wait()
				if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, says) ||
					!strings.Contains(got, variable) {
					t.Errorf("got the log\n%swant one warning that says %q", got, says)
				}
			})
		})
	}
}

// A server that refuses what the store needs cannot be used. A server that is no cluster has nothing to refuse.
func TestNeededSettings(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		cfg, _ := warnings(misspelling(t, dsn, "sql_mode"))
		cfg.Migrate = true
		_, err := store.Open(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), "sql_mode so that a value that does not fit is an error") {
			t.Errorf("got %v, want an error that says what sql_mode is needed for", err)
		}
		cfg, log := warnings(misspelling(t, dsn, "wsrep_sync_wait"))
		open(t, cfg)
		if log.String() != "" {
			t.Errorf("without wsrep_sync_wait, got the log %s", log)
		}
	})
}

// Where the variable exists, each connection waits for what other nodes have committed before it reads, updates or
// deletes, but not before it inserts. A DSN can choose otherwise.
func TestSyncWait(t *testing.T) {
	t.Parallel()
	dsn := storetest.On(t, mariadb.MariaDB) // no cluster, but it has the variable
	for suffix, want := range map[string]string{"": "3", "wsrep_sync_wait=0": "0", "Wsrep_Sync_Wait=7": "7"} {
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if name, v, ok := strings.Cut(suffix, "="); ok {
			cfg.Params = map[string]string{name: v}
		}
		s := open(t, store.Config{Database: "mysql:" + cfg.FormatDSN()})
		if got, err := s.WriteValue("SELECT @@wsrep_sync_wait"); err != nil || got != want {
			t.Errorf("with %q: got %s and %v, want %s", suffix, got, err, want)
		}
		if got, err := s.BeatValue("SELECT @@wsrep_sync_wait"); err != nil || got != want {
			t.Errorf("with %q, of the replica's row: got %s and %v, want %s", suffix, got, err, want)
		}
	}
}

// A user with rights only on the tables of the database can serve, without a warning; one that may also change them can
// migrate.
func TestLeastPrivileges(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		root := openRaw(t, dsn)
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		user := func(rights string) string {
			t.Helper()
			name := "u" + strings.ToLower(rand.Text()[:12])
			executeOn(t, root, "CREATE USER "+name+"@localhost IDENTIFIED BY 'secret'")
			t.Cleanup(func() { executeOn(t, root, "DROP USER "+name+"@localhost") })
			executeOn(t, root, "GRANT "+rights+" ON "+cfg.DBName+".* TO "+name+"@localhost")
			of := cfg.Clone()
			of.User, of.Passwd = name, "secret"
			return of.FormatDSN()
		}
		migrateTo(t, user("SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"), store.LatestVersion)
		with, log := warnings(user("SELECT, INSERT, UPDATE, DELETE"))
		s := open(t, with)
		if err := s.AddClient(t.Context(), newClient("a")); err != nil || !exists(t, s, "a") {
			t.Errorf("adding a client: %v", err)
		}
		if log.String() != "" {
			t.Errorf("got the log %s", log)
		}
	})
}
