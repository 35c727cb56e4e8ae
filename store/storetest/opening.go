package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/store"
)

func testReopen(t *testing.T, database string) {
	client := fullClient(t, "kept")
	first, err := store.Open(t.Context(), store.Config{Database: database, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, first, client)
	digest := mustAddModule(t, first, "wasm")
	mustDeploy(t, first, digest)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := store.Open(t.Context(), store.Config{Database: database}) // without migrating
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	compare(t, client, mustGet(t, second, "kept"))
	wantCurrent(t, second, 1)
	if got, err := second.ModuleBytes(t.Context(), digest); err != nil || string(got) != "wasm" {
		t.Errorf("bytes of the module: got %q and %v", got, err)
	}
	if err := second.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func testOpenAtOnce(t *testing.T, database string) {
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), store.Config{Database: database, Migrate: true})
			if err != nil {
				t.Errorf("opening: %v", err)
				return
			}
			defer s.Close()
			if err := s.AddClient(t.Context(), newClient(fmt.Sprint("of-", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(ids(t, open(t, database), engine.ClientFilter{})); got != 6 {
		t.Errorf("got %d clients, want 6", got)
	}
	var applied int
	count := raw(t, database).QueryRow("SELECT COUNT(*) FROM goose_db_version WHERE version_id = 1")
	if err := count.Scan(&applied); err != nil || applied != 1 {
		t.Errorf("the first migration was applied %d times, %v, want once", applied, err)
	}
}

func testDownAndUp(t *testing.T, database string) {
	cfg := store.Config{Database: database}
	migrate := func(to, wantFrom, wantNow int64) {
		t.Helper()
		from, now, err := store.Migrate(t.Context(), cfg, to)
		if err != nil || from != wantFrom || now != wantNow {
			t.Fatalf("migrating to %d: got %d to %d and %v, want %d to %d", to, from, now, err, wantFrom, wantNow)
		}
	}
	const newest = store.LatestVersion
	migrate(newest, 0, newest)
	before := columns(t, database)
	migrate(newest, newest, newest)
	mustAdd(t, open(t, database), newClient("gone"))
	for v := newest; v > 0; v-- {
		migrate(v-1, v, v-1)
	}
	if got := columns(t, database); len(got) != 0 {
		t.Errorf("tables after going down: %v", got)
	}
	migrate(0, 0, 0)
	for v := range newest {
		migrate(v+1, v, v+1)
	}
	if diff := cmp.Diff(before, columns(t, database)); diff != "" {
		t.Errorf("columns before (-) and after (+) going down and up:\n%s", diff)
	}
	s := open(t, database)
	wantExists(t, s, "gone", false)
	mustAdd(t, s, newClient("new"))
	_, _, err := store.Migrate(t.Context(), cfg, newest+1)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(newest)) {
		t.Errorf("migrating beyond the newest version: got %v, want an error that names it", err)
	}
}

// columns returns the columns of the tables that exist.
func columns(t testing.TB, database string) map[string][]string {
	t.Helper()
	db, found := raw(t, database), map[string][]string{}
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table + " LIMIT 0")
		if err != nil {
			continue
		}
		defer rows.Close()
		if found[table], err = rows.Columns(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// testLaterSchema opens a database that a later program migrated.
func testLaterSchema(t *testing.T, database string) {
	mustAdd(t, open(t, database), newClient("old"))
	db := raw(t, database)
	exec := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)")
	for _, cfg := range []store.Config{{Database: database}, {Database: database, Migrate: true}} {
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatalf("a schema that works with this program, migrate %t: %v", cfg.Migrate, err)
		}
		wantExists(t, s, "old", true)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, to := range []int64{store.LatestVersion, 0} {
		from, now, err := store.Migrate(t.Context(), store.Config{Database: database}, to)
		if err == nil || from != 999 || now != 999 || !strings.Contains(err.Error(), "999") ||
			!strings.Contains(err.Error(), "later registrar") {
			t.Errorf("migrating it to %d: got %d to %d and %v, want an error that says what to do", to, from, now, err)
		}
	}
	exec("UPDATE schema_requirements SET least_program = 998")
	for _, cfg := range []store.Config{{Database: database}, {Database: database, Migrate: true}} {
		_, err := store.Open(t.Context(), cfg)
		for _, says := range []string{
			"version 999", "version 998", fmt.Sprint("this program has version ", store.LatestVersion),
			"run a registrar of at least",
		} {
			if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), says) ||
				errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("a schema that needs a later program, migrate %t: got %v, want an error that says %q",
					cfg.Migrate, err, says)
			}
		}
	}
	exec(fmt.Sprint("UPDATE schema_requirements SET least_program = ", store.LatestVersion))
	wantExists(t, open(t, database), "old", true)
}

// testSchemaMovesOn has a later program migrate the schema while this one runs.
func testSchemaMovesOn(t *testing.T, database string) {
	s := open(t, database)
	db := raw(t, database)
	exec := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	use := func(id string) { // the same prepared statements each time
		t.Helper()
		mustAdd(t, s, newClient(id), fullClient(t, id+"-full"))
		c := mustGet(t, s, id+"-full")
		mustUpdate(t, s, c)
		if found := ids(t, s, engine.ClientFilter{Query: id}); len(found) != 2 {
			t.Errorf("%s: listing found %v, want two", id, found)
		}
		if got := latest(t, s, 2); len(got) != 2 {
			t.Errorf("%s: the latest are %v, want two", id, got)
		}
		if err := s.DeleteClient(t.Context(), id); err != nil {
			t.Error(err)
		}
		useOtherTables(t, s, id)
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	use("before")
	exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)")
	for _, table := range tables {
		exec("ALTER TABLE " + table + " ADD COLUMN later BIGINT NOT NULL DEFAULT 7")
	}
	use("moved")
	exec("UPDATE schema_requirements SET least_program = 998")
	err := s.CheckSchema(t.Context())
	if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "programs of version 998 or later") {
		t.Errorf("a schema that needs a later program: got %v, want %v that says so", err, store.ErrSchema)
	}
	exec(fmt.Sprint("UPDATE schema_requirements SET least_program = ", store.LatestVersion))
	exec("DELETE FROM goose_db_version WHERE version_id = 999")
	use("returned")
	exec(fmt.Sprint("DELETE FROM goose_db_version WHERE version_id = ", store.LatestVersion))
	err = s.CheckSchema(t.Context())
	if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "registrar migrate") {
		t.Errorf("a schema that is too early: got %v, want %v that says what to do", err, store.ErrSchema)
	}
}

// useOtherTables writes to and reads from each table but clients.
func useOtherTables(t *testing.T, s *store.Store, id string) {
	t.Helper()
	d := mustDeploy(t, s, mustAddModule(t, s, id))
	token := newInitialToken(id, 2)
	addInitialToken(t, s, token)
	mustAdd(t, s, clientBy(token, id+"-by-token"))
	_, errAdmin := s.AddAdminToken(t.Context(), newToken(id, id[0]))
	_, errKey := s.Key(t.Context(), id)
	errShadow := s.AddShadow(t.Context(), scripts.Shadow{Deployment: d.Number, Script: id, Module: "sha256:0",
		Differences: []scripts.ShadowDifference{{At: time.Now(), Outcome: "changed", Changes: []byte("{}")}}})
	mustBeat(t, s, scripts.Replica{})

	list, errModules := s.Modules(t.Context())
	deployments, errDeployments := s.Deployments(t.Context(), 0, 0)
	shadows, errShadows := s.Shadows(t.Context(), id, 1)
	initial, errInitial := s.InitialAccessTokens(t.Context())
	admins, errAdmins := s.AdminTokens(t.Context())
	err := errors.Join(errAdmin, errKey, errShadow, errModules, errDeployments, errShadows, errInitial, errAdmins)
	if err != nil || len(list) == 0 || len(deployments) == 0 || len(shadows) != 1 || len(initial) == 0 ||
		len(admins) == 0 {
		t.Errorf("%s: got %d modules, %d deployments, %d shadows, %d and %d tokens, and %v", id, len(list),
			len(deployments), len(shadows), len(initial), len(admins), err)
	}
}

func testEarlierSchema(t *testing.T, database string) {
	open(t, database)
	if _, err := raw(t, database).Exec("DELETE FROM goose_db_version WHERE version_id > 0"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Config{Database: database})
	if err == nil || !strings.Contains(err.Error(), "version 0") ||
		!strings.Contains(err.Error(), "registrar migrate") {
		t.Errorf("got %v, want both versions and the fix", err)
	}
}

func testClosed(t *testing.T, database string) {
	s, err := store.Open(t.Context(), store.Config{Database: database, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, newClient("a"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.AddClient(t.Context(), newClient("b")); err == nil {
		t.Error("adding after closing: got no error, want one")
	}
	wantExists(t, open(t, database), "b", false)
}
