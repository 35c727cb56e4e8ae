// Package storetest tests the contract of [registrar/store], which every kind of database must pass, and provides
// databases for tests. [MySQL] starts a private MySQL or MariaDB server at the first call.
package storetest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"registrar/store"
)

// parallel bounds the tests of Run that run at the same time. Each uses up to 40 connections, and MySQL accepts 151 by
// default.
const parallel = 3

// Run tests the contract. Each call of fresh returns the [store.Config].Database of another empty database. The tests
// run in parallel.
func Run(t *testing.T, fresh func(t testing.TB) string) {
	slots := make(chan struct{}, parallel)
	for _, c := range []struct {
		name string
		f    func(*testing.T, string)
	}{
		{"round trip of a client with everything", testEverything},
		{"null and empty values", testNullAgainstEmpty},
		{"four-byte UTF-8", testUTF8},
		{"text that looks like another type", testLookalikes},
		{"time zone and precision", testTimes},
		{"case and trailing spaces of IDs", testIDBytes},
		{"special characters in IDs", testSpecialIDs},
		{"looking up any ID", testImpossibleIDs},
		{"limits of IDs", testIDLimits},
		{"one ID has one winner", testOneWinner},
		{"adding a client again", testAddAgain},
		{"sequence of a writer", testSequence},
		{"cancelled before the start", testCancelled},
		{"cancelled at any time", testCancelledLater},
		{"concurrent clients, some of them taken", testBatches},
		{"concurrent clients, one of them rejected", testBatchWithRejected},
		{"concurrent clients, many of them cancelled", testManyCancelled},
		{"similar acts", testActs},
		{"acts of a deployment", testActsOfDeployment},
		{"deleting a client", testDeleteClient},
		{"pages of clients", testPages},
		{"searching clients", testSearch},
		{"filtering clients", testFilters},
		{"the latest clients", testLatest},
		{"the latest client with everything", testLatestWhole},
		{"the latest clients while others write", testLatestWhileWriting},
		{"only hashes of secrets", testNoPlaintext},
		{"updating a client", testUpdateClient},
		{"updating another version or client", testUpdateConflict},
		{"one version has one update", testOneUpdate},
		{"clients by their tokens", testClientByToken},
		{"a disabled client", testDisabledClient},
		{"marking clients as seen", testMarkSeen},
		{"metadata documents", testDocuments},
		{"URLs of metadata documents", testDocumentIDs},
		{"one metadata document has one winner", testDocumentRace},
		{"changes of a metadata document", testDocumentChanges},
		{"room for metadata documents", testDocumentRoom},
		{"excess metadata documents", testDocumentExcess},
		{"metadata documents among clients", testDocumentList},
		{"a disabled metadata document", testDocumentStatus},
		{"modules", testModules},
		{"concurrent uploads of one module", testModuleRace},
		{"bytes of modules", testModuleBytes},
		{"bounds on modules", testModuleBounds},
		{"bounds on modules, at once", testModuleBoundRace},
		{"deployments", testDeployments},
		{"concurrent deployments", testDeploymentRace},
		{"deploying a missing module", testMissingModule},
		{"deployment if current", testIfCurrent},
		{"concurrent deployments if current", testIfCurrentRace},
		{"deleting a module", testDeleteModule},
		{"deleting the module that a canary falls back to", testDeleteModuleOfBaseline},
		{"deleting a module while it is deployed", testDeleteModuleRace},
		{"admin tokens", testAdminTokens},
		{"one admin token has one winner", testAdminTokenRace},
		{"concurrent admin tokens with one label", testAdminLabelRace},
		{"the last admin token", testLastAdminToken},
		{"the use of an admin token", testAdminTokenUse},
		{"admin tokens, migrated down and up again", testAdminTokensDownAndUp},
		{"initial access tokens", testInitialTokens},
		{"uses of an initial access token", testUses},
		{"each use has one winner", testUseRace},
		{"a failed registration takes no use", testNoUseLost},
		{"keys", testKeys},
		{"shadows", testShadows},
		{"replicas", testReplicas},
		{"replicas that ended", testDeadReplicas},
		{"reopening", testReopen},
		{"concurrent opening", testOpenAtOnce},
		{"migrating down and up again", testDownAndUp},
		{"what going down loses", testLoss},
		{"going down while another process goes up", testLossMeanwhile},
		{"a later schema", testLaterSchema},
		{"a schema that moves on", testSchemaMovesOn},
		{"an earlier schema", testEarlierSchema},
		{"closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			c.f(t, fresh(t))
		})
	}
}

// SQLite returns the [store.Config].Database of a SQLite file that does not exist yet. It is removed after the test.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "registrar.db")
}

// open opens and migrates the database. It is closed when the test ends.
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

// raw opens the database without the store.
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

// tables are the tables of the schema.
var tables = [...]string{"schema_requirements", "clients", "modules", "deployments", "admin_tokens",
	"initial_access_tokens",
	"server_keys", "shadows", "shadow_differences", "replicas"}

// EachValue calls f with each column of each row of each table. It reads database, a [store.Config].Database, without
// the store.
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
