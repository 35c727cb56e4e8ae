package baseline

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/bench/load"
	"registrar/store/storetest"
)

func TestServersStoreTheirResponses(t *testing.T) {
	for name, server := range map[string]func(context.Context, string, io.Writer) error{"single-row": SingleRow,
		"multi-row": MultiRow, "multi-row-sql": MultiRowSQL} {
		t.Run(name, func(t *testing.T) {
			dsn := storetest.MySQL(t)
			url := run(t, server, dsn)
			status, body := post(t, url, string(load.Body(7)))
			var got answer
			if err := json.Unmarshal(body, &got); err != nil || status != http.StatusCreated ||
				len(got.RedirectURIs) != 2 {
				t.Fatalf("got %d, %v: %s", status, err, body)
			}
			var name, hash, method string
			if err := sqlOpen(t,
				dsn).QueryRow("SELECT client_name, secret_hash, token_endpoint_auth_method FROM clients WHERE "+
				"client_id = ?", got.ClientID).Scan(&name, &hash, &method); err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256([]byte(got.ClientSecret)); name != "Example Application 7" ||
				hash != string(sum[:]) || method != "client_secret_basic" {
				t.Errorf("stored: %q, %x, %q", name, hash, method)
			}
			for _, body := range []string{"{", `{"client_name":"nowhere to go"}`} {
				if status, body := post(t, url, body); status != http.StatusBadRequest {
					t.Errorf("got %d: %s", status, body)
				}
			}
		})
	}
}

func TestServersStoreEveryClientUnderLoad(t *testing.T) {
	for name, server := range map[string]func(context.Context, string, io.Writer) error{"single-row": SingleRow,
		"multi-row": MultiRow, "multi-row-sql": MultiRowSQL} {
		t.Run(name, func(t *testing.T) {
			dsn := storetest.MySQL(t)
			r, err := load.Run(t.Context(), load.Target{Name: name, URL: run(t, server, dsn)}, 24, 300*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			var rows int
			if err := sqlOpen(t, dsn).QueryRow("SELECT COUNT(*) FROM clients").Scan(&rows); err != nil ||
				rows != r.All {
				t.Errorf("%d responses, %d rows, %v", r.All, rows, err)
			}
		})
	}
}

// run runs a server until the test ends and returns the URL of its endpoint.
func run(t *testing.T, server func(context.Context, string, io.Writer) error, dsn string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	r, w := io.Pipe()
	go func() { ended <- server(ctx, dsn, w); w.Close() }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 4096)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	m := regexp.MustCompile(`msg=listening public=(\S+)`).FindSubmatch(line[:n])
	if m == nil {
		t.Fatalf("logged: %s", line[:n])
	}
	return string(m[1]) + "/register"
}

func post(t *testing.T, url, body string) (int, []byte) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, b
}

func sqlOpen(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestTakeReturnsPowersOfTwo(t *testing.T) {
	for waiting, want := range map[int][]int{1: {1}, 2: {2}, 13: {8, 4, 1}, 100: {64, 32, 4}} {
		g := &gatherer{queue: make(chan *pending, waiting)}
		for range waiting {
			g.queue <- &pending{}
		}
		close(g.queue)
		var got []int
		for batch := g.take(); batch != nil; batch = g.take() {
			got = append(got, len(batch))
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d: got %d, want %d", waiting, got, want)
		}
	}
}
