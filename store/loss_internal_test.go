package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// Losses of migrations that this schema does not have yet: values that are changed, conditions, and columns that a
// later migration has dropped.
func TestCountLoss(t *testing.T) {
	t.Parallel()
	b, err := sqlite(filepath.Join(t.TempDir(), "registrar.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := migrate(t.Context(), b, LatestVersion); err != nil {
		t.Fatal(err)
	}
	db, err := b.migrating(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE notes (a TEXT, b TEXT NOT NULL)",
		"INSERT INTO notes VALUES ('x', ''), ('y', 'b'), (NULL, 'b'), ('', 'c')",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	file := func(down ...string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- loses clients\n-- +goose Up\n-- loses modules\n-- +goose Down\n" +
			strings.Join(down, "\n") + "\nSELECT 1;\n")}
	}
	files := fstest.MapFS{
		"00004_a.sql": file("-- loses clients"),
		"00005_b.sql": file("-- loses notes.a", "-- loses notes.gone", "-- loses gone", "-- loses clients.acts"),
		"00006_c.sql": file("-- loses notes.b where b <> ''", "-- changes notes.a where a IN ('x', 'y')"),
		"00007_d.sql": file("-- A comment that loses nothing.", "-- loses this: not a declaration"),
		"00008_e.sql": file("-- loses notes"),
	}
	clients := LostPart{Table: "clients"}
	for _, tt := range []struct {
		from, to int64
		want     []LostPart
	}{
		{7, 7, nil},
		{7, 8, nil},
		{7, 6, nil},
		{7, 5, []LostPart{{"notes", "b", false, 3}, {"notes", "a", true, 2}}},
		{7, 4, []LostPart{{"notes", "b", false, 3}, {"notes", "a", true, 2}, {"notes", "a", false, 3},
			{"clients", "acts", false, 0}}},
		{7, 3, []LostPart{{"notes", "b", false, 3}, {"notes", "a", true, 2}, {"notes", "a", false, 3}, clients}},
		{8, 3, []LostPart{{"notes", "", false, 4}, clients}},
	} {
		got, err := countLoss(t.Context(), b.dialect, db, files, tt.from, tt.to)
		if err != nil {
			t.Errorf("from %d to %d: %v", tt.from, tt.to, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("from %d to %d, want (-) and got (+):\n%s", tt.from, tt.to, diff)
		}
	}
	if _, err := countLoss(context.Background(), b.dialect, db, files, 9, 8); err == nil {
		t.Error("a migration that is missing: got no error, want one")
	}
}
