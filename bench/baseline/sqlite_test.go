package baseline

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"

	"registrar/bench/load"
)

func TestMultiRowSQLiteStoresEveryClient(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.db")
	r, err := load.Run(t.Context(), load.Target{Name: "SQLite", URL: run(t, MultiRowSQLite, file)}, 16,
		300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows int
	if err := db.QueryRow("SELECT COUNT(*) FROM clients WHERE length(secret_hash) = 32").Scan(&rows); err != nil ||
		rows != r.All {
		t.Errorf("%d responses, %d rows, %v", r.All, rows, err)
	}
}

func TestNowhereResponds(t *testing.T) {
	url := run(t, func(ctx context.Context, _ string, log io.Writer) error { return Nowhere(ctx, log) }, "")
	status, body := post(t, url, string(load.Body(7)))
	var got answer
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusCreated || len(got.RedirectURIs) != 2 ||
		got.ClientID == "" {
		t.Errorf("got %d, %v: %s", status, err, body)
	}
}
