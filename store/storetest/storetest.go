// Package storetest is the contract that every backend of [registrar/store] keeps, and what tests need to run it: a
// private MySQL or MariaDB server, started when the first test asks for it.
package storetest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"registrar/store"
)

// Run checks the contract. fresh returns the Database of a [store.Config] that names an empty database of its own.
func Run(t *testing.T, fresh func(t testing.TB) string) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, string)
	}{
		{"round trip of a client with everything", testEverything},
		{"null against empty", testNullAgainstEmpty},
		{"four-byte UTF-8", testUTF8},
		{"text that looks like something else", testLookalikes},
		{"time zone and precision", testTimes},
		{"case and trailing spaces of IDs", testIDBytes},
		{"weird characters in IDs", testWeirdIDs},
		{"IDs that cannot exist", testImpossibleIDs},
		{"limits of IDs", testIDLimits},
		{"IDs as long as URLs", testLongIDs},
		{"one ID has one winner", testOneWinner},
		{"adding a client again", testAddAgain},
		{"sequence of a writer", testSequence},
		{"cancelled before the start", testCancelled},
		{"cancelled in the middle", testCancelledLater},
		{"clients at once, some of them taken", testBatches},
		{"clients at once, one of them impossible", testBatchWithImpossible},
		{"clients at once, many of them cancelled", testManyCancelled},
		{"acts nearly alike", testActs},
		{"acts of a deployment", testActsOfDeployment},
		{"deleting a client", testDeleteClient},
		{"pages of clients", testPages},
		{"searching clients", testSearch},
		{"the latest clients", testLatest},
		{"the latest client with everything", testLatestWhole},
		{"the latest clients while others write", testLatestWhileWriting},
		{"only hashes of secrets", testNoPlaintext},
		{"updating a client", testUpdateClient},
		{"updating what is not there", testUpdateConflict},
		{"one version has one update", testOneUpdate},
		{"clients by their tokens", testClientByToken},
		{"marking clients as seen", testMarkSeen},
		{"modules", testModules},
		{"uploading one module at once", testModuleRace},
		{"bytes of modules", testModuleBytes},
		{"bounds on modules", testModuleBounds},
		{"bounds on modules, at once", testModuleBoundRace},
		{"deployments", testDeployments},
		{"deployments at once", testDeploymentRace},
		{"deploying what is not there", testMissingModule},
		{"deployment if current", testIfCurrent},
		{"deployment if current, at once", testIfCurrentRace},
		{"deleting a module", testDeleteModule},
		{"deleting a module while it is deployed", testDeleteModuleRace},
		{"admin tokens", testAdminTokens},
		{"one admin token has one winner", testAdminTokenRace},
		{"initial access tokens", testInitialTokens},
		{"uses of an initial access token", testUses},
		{"one use has one winner", testUseRace},
		{"a failed registration takes no use", testNoUseLost},
		{"keys", testKeys},
		{"shadows", testShadows},
		{"reopening", testReopen},
		{"opening at once", testOpenAtOnce},
		{"down and up again", testDownAndUp},
		{"a later schema", testLaterSchema},
		{"an earlier schema", testEarlierSchema},
		{"closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(t, fresh(t)) })
	}
}

// SQLite returns the Database of a new SQLite file, which is gone after the test.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "registrar.db")
}

// open opens the database, migrated, until the test ends.
func open(t testing.TB, database string) *store.Store {
	t.Helper()
	return openWith(t, store.Config{Database: database})
}

// openWith opens a database, migrated, as c says else.
func openWith(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	c.Migrate = true
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

// raw opens the database past the store.
func raw(t testing.TB, database string) *sql.DB {
	t.Helper()
	driver, dsn, _ := strings.Cut(database, ":")
	if driver == "sqlite" {
		driver, dsn = "sqlite3", "file:"+dsn
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// tables are all that a migrated database has of ours.
var tables = [...]string{"schema_requirements", "clients", "modules", "deployments", "admin_tokens", "initial_access_tokens",
	"server_keys", "shadows", "shadow_differences"}

// EachValue calls f with every column of every row of every table, read past the store. database is a Config.Database.
func EachValue(t testing.TB, database string, f func(table, column string, value []byte)) {
	t.Helper()
	db := raw(t, database)
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, dest := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				f(table, columns[i], v)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
