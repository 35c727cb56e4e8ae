package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/store"
)

// definitions returns the statements that create the tables of a database.
func definitions(t testing.TB, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.Query("SHOW TABLES")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var table, statement string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow("SHOW CREATE TABLE "+table).Scan(&table, &statement); err != nil {
			t.Fatal(err)
		}
		statement, _, _ = strings.Cut(statement, "AUTO_INCREMENT=")
		all[table] = statement
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A process that migrates is cut off from the database when it has sent a statement, again and again, each time a
// statement later. The next one takes its lock over when the lease has ended, and goes on.
func TestInterruptedMigration(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		direct := openRaw(t, dsn)
		sent := map[string]bool{}
		var mu sync.Mutex
		to := func(version int64) (interruptions int) {
			for ; ; interruptions++ {
				cut := false
				_, through := newRelay(t, dsn, func(packet []byte) bool {
					mu.Lock()
					defer mu.Unlock()
					if statement := string(packet); changesSchema(statement) && !sent[statement] {
						sent[statement] = true
						cut = true
						return true
					}
					return false
				})
				cfg := store.Config{Database: "mysql:" + through}.WithLease(50 * time.Millisecond)
				_, now, err := store.Migrate(t.Context(), cfg, version)
				if !cut {
					if err != nil || now != version {
						t.Fatalf("without an interruption: got version %d and %v, want %d", now, err, version)
					}
					return interruptions
				}
				if err == nil {
					t.Fatal("got no error, although the connections broke")
				}
			}
		}
		if n := to(store.LatestVersion); n < 12 {
			t.Errorf("there were %d interruptions, want one for each statement", n)
		}
		other := strings.Replace(dsn, "/registrar_test_", "/registrar_test_b_", 1)
		_, name, _ := strings.Cut(other, "/registrar_test_b_")
		name, _, _ = strings.Cut(name, "?")
		executeOn(t, direct, "CREATE DATABASE registrar_test_b_"+name)
		defer executeOn(t, direct, "DROP DATABASE registrar_test_b_"+name)
		migrateTo(t, other, store.LatestVersion)
		if diff := cmp.Diff(definitions(t, openRaw(t, other)), definitions(t, direct)); diff != "" {
			t.Errorf("tables after a migration that was not interrupted (-), and after one that was (+):\n%s", diff)
		}
		if n := to(0); n < 10 {
			t.Errorf("down: there were %d interruptions, want one for each statement", n)
		}
		for table := range definitions(t, direct) {
			if table != "goose_db_version" && table != "migration_lock" {
				t.Errorf("after migrating down, there is a table %s", table)
			}
		}
	})
}

// changesSchema reports whether a packet is a statement of a migration.
func changesSchema(packet string) bool {
	if strings.Contains(packet, "migration_lock") {
		return false
	}
	for _, verb := range []string{"CREATE ", "ALTER ", "DROP ", "INSERT ", "UPDATE "} {
		if strings.HasPrefix(packet, "\x03"+verb) {
			return true
		}
	}
	return false
}

// A migration down that was interrupted is finished before another begins, although the noted version is the wanted
// one.
func TestInterruptedDown(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		migrateTo(t, dsn, 3)
		db := openRaw(t, dsn)
		executeOn(t, db, "DROP TABLE replicas")
		executeOn(t, db, "UPDATE migration_lock SET unfinished = -3")
		migrateTo(t, dsn, 3)
		if _, ok := definitions(t, db)["replicas"]; !ok {
			t.Error("there is no table replicas")
		}
		if n := value[sql.Null[int64]](t, db, "SELECT unfinished FROM migration_lock"); n.Valid {
			t.Errorf("the migration %d is noted as unfinished", n.V)
		}
	})
}

// A table of another program is not taken for one of the schema, at no attempt.
func TestMigratingBesideAnotherProgram(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		executeOn(t, openRaw(t, dsn), "CREATE TABLE clients (id INT)")
		for attempt := range 3 {
			_, now, err := store.Migrate(t.Context(), store.Config{Database: "mysql:" + dsn}, store.LatestVersion)
			if err == nil || !strings.Contains(err.Error(), "already exists") || now != 0 {
				t.Errorf("attempt %d: got version %d and %v, want an error that a table exists", attempt, now, err)
			}
		}
	})
}

// A blockedMigration is a migration that waits in the database for a lock on a table.
type blockedMigration struct {
	db     *sql.DB
	holder *sql.Conn
}

// blockMigration migrates to version 1, and has the migration to version 2 wait until unblock.
func blockMigration(t testing.TB, dsn string) *blockedMigration {
	t.Helper()
	migrateTo(t, dsn, 1)
	b := &blockedMigration{db: openRaw(t, dsn)}
	var err error
	if b.holder, err = b.db.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.holder.Close() }) // else the database cannot be dropped
	for _, statement := range []string{"BEGIN", "SELECT * FROM clients"} {
		if _, err := b.holder.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// await returns when a migration waits over another connection than the given one, and returns its connection.
func (b *blockedMigration) await(t testing.TB, other int64) (connection int64) {
	t.Helper()
	await(t, "a migration that waits for the table", func() bool {
		connection = value[int64](t, b.db,
			fmt.Sprint("SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist ",
				"WHERE db = DATABASE() AND info LIKE 'ALTER TABLE clients%' AND state LIKE 'Waiting for table metadata%' ",
				"AND id <> ", other))
		return connection != 0
	})
	return connection
}

func (b *blockedMigration) unblock(t testing.TB) {
	t.Helper()
	if _, err := b.holder.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
}

// The holder of the lock is killed while it migrates. Until then it renews its lease, and the other waits; then the
// other takes over. The statement of the one that was killed may still take effect.
func TestKilledWhileMigrating(t *testing.T) {
	if dsn := os.Getenv("STORE_CHILD"); dsn != "" {
		cfg := store.Config{Database: "mysql:" + dsn}.WithLease(300 * time.Millisecond)
		_, _, err := store.Migrate(t.Context(), cfg, store.LatestVersion)
		t.Fatal("the migration ended: ", err)
	}
	onMySQLs(t, func(t *testing.T, dsn string) {
		blocked := blockMigration(t, dsn)
		holder := child(t, "TestKilledWhileMigrating", dsn)
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { holder.Process.Kill(); holder.Wait() }()
		killed := blocked.await(t, 0)

		const lease = 3 * time.Second
		ended := make(chan error, 1)
		go func() {
			cfg := store.Config{Database: "mysql:" + dsn}.WithLease(lease)
			_, _, err := store.Migrate(context.WithoutCancel(t.Context()), cfg, store.LatestVersion)
			ended <- err
		}()
		lock := func(column string) string {
			return value[string](t, blocked.db, "SELECT "+column+" FROM migration_lock")
		}
		first, renewals := lock("holder"), lock("renewals")
		if first == "" {
			t.Fatal("the lock has no holder")
		}
		for until := time.Now().Add(lease + lease/3); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
			if now := lock("holder"); now != first {
				t.Fatalf("the lock was taken from a process that lives, by %s", now)
			}
		}
		if lock("renewals") == renewals {
			t.Error("the lock was not renewed")
		}
		holder.Process.Kill()
		await(t, "the other to take over", func() bool { return lock("holder") != first })
		blocked.await(t, killed)
		blocked.unblock(t)
		if err := inTime(t, "the migration", func() error { return <-ended }); err != nil {
			t.Fatal(err)
		}
		applied := value[string](t, blocked.db,
			"SELECT GROUP_CONCAT(version_id ORDER BY version_id) FROM goose_db_version")
		want := "0"
		for version := range store.LatestVersion {
			want += fmt.Sprint(",", version+1)
		}
		if applied != want {
			t.Errorf("got the versions %s, want each once: %s", applied, want)
		}
		if lock("holder") != "" {
			t.Error("the lock was not released")
		}
	})
}

// A process that lost the lock stops: its statement is ended, or at the latest the next migration does not begin.
func TestLockLost(t *testing.T) {
	for name, lease := range map[string]time.Duration{"at a renewal": 90 * time.Millisecond, "before the next": 0} {
		t.Run(name, func(t *testing.T) {
			onMySQLs(t, func(t *testing.T, dsn string) {
				blocked := blockMigration(t, dsn)
				ended := make(chan error, 1)
				go func() {
					cfg := store.Config{Database: "mysql:" + dsn}.WithLease(lease)
					_, _, err := store.Migrate(context.WithoutCancel(t.Context()), cfg, store.LatestVersion)
					ended <- err
				}()
				blocked.await(t, 0)
				executeOn(t, blocked.db, "UPDATE migration_lock SET holder = 'another'")
				if lease == 0 {
					blocked.unblock(t)
				}
				err := inTime(t, "the migration", func() error { return <-ended })
				if err == nil || !strings.Contains(err.Error(), "another process has taken over the migrations") {
					t.Errorf("got %v, want an error that the lock was lost", err)
				}
				if lease != 0 {
					blocked.unblock(t)
				}
				if _, ok := definitions(t, blocked.db)["replicas"]; ok {
					t.Error("the migration to version 3 was applied")
				}
				if got := value[string](t, blocked.db, "SELECT holder FROM migration_lock"); got != "another" {
					t.Errorf("the holder is %q, want the process that took over", got)
				}
			})
		})
	}
}

// A process that waits for the lock ends with its context.
func TestWaitingForTheLock(t *testing.T) {
	onMySQLs(t, func(t *testing.T, dsn string) {
		migrateTo(t, dsn, 1)
		db := openRaw(t, dsn)
		executeOn(t, db, "UPDATE migration_lock SET holder = 'another'")
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		handler := slog.NewTextHandler(calling{&log, "waiting for another process", cancel}, nil)
		err := inTime(t, "the migration", func() error {
			_, _, err := store.Migrate(ctx, store.Config{Database: "mysql:" + dsn, Logger: slog.New(handler)},
				store.LatestVersion)
			return err
		})
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "waiting for the lock of migrations") {
			t.Errorf("got %v, want an error that the context ended", err)
		}
		if got := value[int64](t, db, "SELECT MAX(version_id) FROM goose_db_version"); got != 1 {
			t.Errorf("got version %d, want 1", got)
		}
	})
}

// calling is a buffer that calls f when a text is written to it.
type calling struct {
	*bytes.Buffer
	text string
	f    func()
}

func (c calling) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.text)) {
		c.f()
	}
	return c.Buffer.Write(p)
}
