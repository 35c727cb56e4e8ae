package peers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"registrar/bench/load"
	"registrar/bench/process"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// fetch is whether tests may fetch what the cache folder lacks, so that the tests of the stage need no network.
var fetch = os.Getenv("REGISTRAR_TEST_PEERS") != ""

// A peer that was installed before registers the clients that the load tool sends, and stores each of them.
func TestPeersStoreEveryClient(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		install func(context.Context, bool) (string, error)
		start   func(ctx context.Context, program, folder, dsn string) ([]*process.Process, error)
		path    string
		count   string // SQL
	}{
		"node-oidc-provider": {OIDCProvider, StartOIDCProvider, "/reg",
			"SELECT COUNT(*) FROM clients c JOIN registration_access_tokens t WHERE t.payload->>'$.clientId' = c.id"},
		"Hydra": {Hydra, func(ctx context.Context, program, folder, dsn string) ([]*process.Process, error) {
			p, err := StartHydra(ctx, program, folder, dsn)
			return []*process.Process{p}, err
		}, "/oauth2/register", "SELECT COUNT(*) FROM hydra_client WHERE client_secret LIKE '$pbkdf2-sha256$i=1,%'"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := test.install(t.Context(), fetch)
			if errors.Is(err, ErrNotCached) {
				t.Skip("make bench, or these tests with REGISTRAR_TEST_PEERS set, install it: ", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			dsn := storetest.On(t, mariadb.MySQL)
			started, err := test.start(t.Context(), program, t.TempDir(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			target := load.Target{Name: name, URL: started[0].URL + test.path}
			for _, p := range started[1:] {
				target.More = append(target.More, p.URL+test.path)
			}
			r, err := load.Run(t.Context(), target, 4, 300*time.Millisecond)
			for _, p := range started {
				err = errors.Join(err, p.Stop())
			}
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("mysql", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var rows int
			if err := db.QueryRow(test.count).Scan(&rows); err != nil || rows != r.All {
				t.Errorf("%d responses, %d rows, %v", r.All, rows, err)
			}
		})
	}
}

// The versions that the tables name are those that are installed.
func TestVersionsArePinned(t *testing.T) {
	t.Parallel()
	var lock struct {
		Packages map[string]struct {
			Version   string `json:"version"`
			Integrity string `json:"integrity"`
		} `json:"packages"`
	}
	b, err := os.ReadFile(source("node-oidc-provider", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		t.Fatal(err)
	}
	if got := lock.Packages["node_modules/oidc-provider"]; got.Version != OIDCProviderVersion || got.Integrity == "" {
		t.Errorf("oidc-provider in the lock file: got %+v, want %s", got, OIDCProviderVersion)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(source("hydra", name))
		if err != nil || !strings.Contains(string(b), "github.com/ory/hydra/v2 "+HydraVersion) {
			t.Errorf("%s has no Hydra %s: %v", name, HydraVersion, err)
		}
	}
}

func TestPeersThatAreNotCachedAreNotFetched(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name, install := range map[string]func(context.Context, bool) (string, error){
		"node-oidc-provider": OIDCProvider, "Hydra": Hydra} {
		if _, err := install(t.Context(), false); !errors.Is(err, ErrNotCached) {
			t.Errorf("%s: got %v, want ErrNotCached", name, err)
		}
	}
}

func TestReasonIsOneLine(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"": "",
		"npm error code ENETUNREACH\nnpm error log":       ": npm error code ENETUNREACH",
		"go: downloading a v1.0.0\ngo: a: no such host\n": ": go: a: no such host",
	} {
		if got := reason(out); got != want {
			t.Errorf("%q: got %q, want %q", out, got, want)
		}
	}
}
