package app

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"registrar/scripts"
	"registrar/store"
)

// A server is not ready within three seconds after the last write.
func TestUnwrittenLimit(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "registrar.db"), Migrate: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	synctest.Test(t, func(t *testing.T) {
		h := &heart{store: s, begun: true, written: time.Now()}
		time.Sleep(2 * time.Second)
		if err := h.problem(); err != nil {
			t.Errorf("after two seconds without a write: %v", err)
		}
		time.Sleep(time.Second)
		if err := h.problem(); err == nil {
			t.Error("after three seconds without a write, there is no problem")
		}
	})
}

// A server is not ready while the schema is one that it does not work with, because another program has migrated it.
func TestHeartNoticesTheSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registrar.db")
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := &heart{store: s, log: slog.New(slog.DiscardHandler),
		describe: func() scripts.Replica { return scripts.Replica{} }}
	h.begin(t.Context())
	examine := func(query string) error {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
		h.checked, h.examined = time.Time{}, time.Time{} // due
		h.beat(t.Context())
		return h.problem()
	}
	if err := examine("SELECT 1"); err != nil || h.unfit() != nil {
		t.Errorf("a schema that fits: got %v, %v", err, h.unfit())
	}
	least := func(v int64) string { return fmt.Sprint("UPDATE schema_requirements SET least_program = ", v) }
	if err := examine(least(store.LatestVersion + 1)); !errors.Is(err, store.ErrSchema) || h.unfit() == nil {
		t.Errorf("a schema that needs a later program: got %v, want %v", err, store.ErrSchema)
	}
	if err := examine(least(1)); err != nil {
		t.Errorf("a schema that fits again: got %v", err)
	}
	// The table that a beat writes to is gone: that is the reason, not the failing write.
	_, _, err = store.Migrate(t.Context(), store.Config{Database: "sqlite:" + path}, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.wrote = time.Time{}
	if err := examine("SELECT 1"); !errors.Is(err, store.ErrSchema) {
		t.Errorf("an empty schema: got %v, want %v", err, store.ErrSchema)
	}
}
