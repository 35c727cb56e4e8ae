package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/token"
	"registrar/scripts"
	"registrar/store"
)

// testLoss migrates down version by version, and compares what is gone with what LossOf counts.
func testLoss(t *testing.T, database string) {
	s := open(t, database)
	fillDatabase(t, s)
	cfg := store.Config{Database: database}
	lossOf := func(to int64) *store.Loss {
		t.Helper()
		loss, err := store.LossOf(t.Context(), cfg, to)
		if err != nil {
			t.Fatal(err)
		}
		if loss.Database != s.Name() || loss.To != to {
			t.Errorf("got %s to %d, want %s to %d", loss.Database, loss.To, s.Name(), to)
		}
		return loss
	}
	if loss := lossOf(store.LatestVersion); loss.From != store.LatestVersion || len(loss.Parts) != 0 {
		t.Errorf("staying: got %+v, want no loss", loss)
	}
	whole := contentOf(t, database)
	if diff := cmp.Diff(whole.minus(content{}), partsOf(lossOf(0))); diff != "" {
		t.Errorf("to version 0, every table (-) and what is declared (+):\n%s", diff)
	}
	if live := lossOf(0).Live; len(live) != 1 || live[0].ID != s.ReplicaID() || live[0].Version != "v1.2.3" {
		t.Errorf("got the live servers %+v, want one", live)
	}
	for v := store.LatestVersion; v > 0; v-- {
		loss, before := lossOf(v-1), contentOf(t, database)
		if from, now, err := store.MigrateConfirmed(t.Context(), cfg, loss); err != nil || from != v || now != v-1 {
			t.Fatalf("from %d to %d: got %d to %d and %v", v, v-1, from, now, err)
		}
		after := contentOf(t, database)
		if diff := cmp.Diff(before.minus(after), partsOf(loss)); diff != "" {
			t.Errorf("from %d to %d, what is gone (-) and what is declared (+):\n%s", v, v-1, diff)
		}
	}
}

// testLossMeanwhile has another process migrate up after the loss was counted.
func testLossMeanwhile(t *testing.T, database string) {
	cfg := store.Config{Database: database}
	loss, err := store.LossOf(t.Context(), cfg, store.LatestVersion-1)
	if err != nil || loss.From != 0 || len(loss.Parts) != 0 || len(loss.Live) != 0 {
		t.Fatalf("of an empty database: got %+v and %v, want no loss", loss, err)
	}
	mustAdd(t, open(t, database), newClient("kept"))
	const newest = store.LatestVersion
	from, now, err := store.MigrateConfirmed(t.Context(), cfg, loss)
	if err == nil || from != newest || now != newest || !strings.Contains(err.Error(), "meanwhile") {
		t.Errorf("got %d to %d and %v, want an error that says that another process has migrated", from, now, err)
	}
	wantExists(t, open(t, database), "kept", true)
	if loss, err = store.LossOf(t.Context(), cfg, newest); err != nil {
		t.Fatal(err)
	}
	if _, now, err := store.MigrateConfirmed(t.Context(), cfg, loss); err != nil || now != newest {
		t.Errorf("without a loss: got %d and %v", now, err)
	}
}

// fillDatabase writes rows to every table.
func fillDatabase(t *testing.T, s *store.Store) {
	t.Helper()
	mustAdd(t, s, newClient("plain"), fullClient(t, "full"), fullClient(t, "another"))
	mustAddDocument(t, s, fullDocument(t, "https://app.example/c"), newDocument("https://app.example/d"))
	mustDeploy(t, s, mustAddModule(t, s, "wasm"))
	addInitialToken(t, s, newInitialToken("token", 3))
	limited := newToken("limited", 2)
	limited.Roles, limited.CreatedBy = []token.Role{token.RoleRead}, "someone"
	limited.ExpiresAt, limited.UsedAt = limited.CreatedAt.Add(time.Hour), limited.CreatedAt
	for _, admin := range []token.Admin{newToken("admin", 1), limited} {
		if _, err := s.AddAdminToken(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Key(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	err := s.AddShadow(t.Context(), scripts.Shadow{Deployment: 1, Script: "one", Module: "sha256:0",
		Differences: []scripts.ShadowDifference{{At: time.Now(), Outcome: "changed", Changes: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	mustBeat(t, s, scripts.Replica{Version: "v1.2.3", Address: "127.0.0.1:8081"})
}

// content is all rows of all tables of the schema, by table: each row has the values that are not NULL, by column.
type content map[string]*rowsOf

type rowsOf struct {
	columns []string
	rows    []map[string]string
}

// contentOf reads a database without the store. It leaves out the table in which migrations are noted.
func contentOf(t *testing.T, database string) content {
	t.Helper()
	db := raw(t, database)
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if strings.HasPrefix(database, "mysql:") {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	}
	found := content{}
	for _, table := range readAll(t, db, query).rows {
		for _, name := range table {
			if name != "goose_db_version" && name != "migration_lock" {
				found[name] = readAll(t, db, "SELECT * FROM "+name)
			}
		}
	}
	return found
}

func readAll(t *testing.T, db *sql.DB, query string) *rowsOf {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	r := &rowsOf{}
	if r.columns, err = rows.Columns(); err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, dest := make([]sql.NullString, len(r.columns)), make([]any, len(r.columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, v := range values {
			if v.Valid {
				row[r.columns[i]] = v.String
			}
		}
		r.rows = append(r.rows, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// values returns the values of a column, sorted.
func (r *rowsOf) values(column string) (values []string) {
	for _, row := range r.rows {
		if v, ok := row[column]; ok {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values
}

// minus returns what c has and after lacks: the number of rows, by table and by column. A column that has other values
// than before is "changed" with the number of those that are gone.
func (c content) minus(after content) map[string]string {
	lost := map[string]string{}
	for table, before := range c {
		now := after[table]
		if now == nil {
			lost[table] = fmt.Sprint(len(before.rows))
			continue
		}
		for _, column := range before.columns {
			name, values := table+"."+column, before.values(column)
			if !slices.Contains(now.columns, column) {
				lost[name] = fmt.Sprint(len(values))
				continue
			}
			left := now.values(column)
			gone := slices.DeleteFunc(values, func(v string) bool {
				i, found := slices.BinarySearch(left, v)
				if found {
					left = slices.Delete(left, i, i+1)
				}
				return found
			})
			if len(gone) > 0 {
				lost[name] = fmt.Sprint("changed ", len(gone))
			}
		}
	}
	return lost
}

// partsOf returns the parts of a loss as minus does.
func partsOf(loss *store.Loss) map[string]string {
	parts := map[string]string{}
	for _, p := range loss.Parts {
		parts[p.Name()] = fmt.Sprint(p.Rows)
		if p.Changed {
			parts[p.Name()] = fmt.Sprint("changed ", p.Rows)
		}
	}
	return parts
}
