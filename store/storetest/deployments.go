package storetest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
	"registrar/store"
)

// newDeployment returns a deployment with a script for each module.
func newDeployment(digests ...string) scripts.Deployment {
	d := scripts.Deployment{Scripts: []scripts.Script{}, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	for _, digest := range digests {
		d.Scripts = append(d.Scripts, scripts.Script{Name: "script", Module: digest})
	}
	return d
}

func mustDeploy(t testing.TB, s *store.Store, digests ...string) scripts.Deployment {
	t.Helper()
	d, err := s.AddDeployment(t.Context(), newDeployment(digests...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantCurrent(t testing.TB, s *store.Store, want int64) {
	t.Helper()
	n, err := s.CurrentDeploymentNumber(t.Context())
	d, err2 := s.CurrentDeployment(t.Context())
	if n != want || d.Number != want || d.Scripts == nil || err != nil || err2 != nil {
		t.Errorf("in force: got number %d, deployment %+v, %v and %v, want %d", n, d, err, err2, want)
	}
}

func testDeployments(t *testing.T, database string) {
	s := open(t, database)
	wantCurrent(t, s, 0)
	if _, err := s.Deployment(t.Context(), 0); !errors.Is(err, scripts.ErrNotFound) {
		t.Errorf("deployment 0: got %v, want %v", err, scripts.ErrNotFound)
	}
	digest := mustAddModule(t, s, "wasm")
	want := []scripts.Deployment{
		{
			Scripts: []scripts.Script{
				{Name: "outer", Module: digest, Config: jsontext.Value(`{"prefix":"🦀","n":1.0,"z":{},"a":[]}`),
					Mode:      scripts.ModeEnforce,
					OnFailure: scripts.OnFailureBase, FailOpen: []string{"set_scopes"},
					Steps: []string{"set_scopes", "add_client_id"}},
				{Name: "inner", Module: digest, Mode: scripts.ModeCanary, Canary: "5%"},
			},
			Comment: "erste 🦀\n", CreatedBy: "admin token 0a1b2c3d",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		},
		{Scripts: []scripts.Script{}, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{Scripts: []scripts.Script{{Name: "a", Module: digest}}, CopyOf: 1,
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 999_999_000, time.UTC)},
	}
	for i := range want {
		d := want[i]
		d.Number = 77 // must be ignored
		d.CreatedAt = d.CreatedAt.Add(999)
		got, err := s.AddDeployment(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		want[i].Number = int64(i + 1)
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("what adding returned, want (-) and got (+):\n%s", diff)
		}
		wantCurrent(t, s, want[i].Number)
		got, err = s.Deployment(t.Context(), want[i].Number)
		if diff := cmp.Diff(want[i], got); err != nil || diff != "" {
			t.Errorf("what was stored, want (-) and got (+), %v:\n%s", err, diff)
		}
	}
	slices.Reverse(want)
	for _, c := range []struct {
		before int64
		n      int
		want   []scripts.Deployment
	}{{0, 0, want}, {0, 2, want[:2]}, {3, 0, want[1:]}, {3, 1, want[1:2]}, {1, 5, want[:0]}, {99, 99, want}} {
		got, err := s.Deployments(t.Context(), c.before, c.n)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%d before %d, want (-) and got (+), %v:\n%s", c.n, c.before, err, diff)
		}
	}
}

func testDeploymentRace(t *testing.T, database string) {
	s, other := open(t, database), open(t, database)
	digests := []string{mustAddModule(t, s, "a"), mustAddModule(t, s, "b"), mustAddModule(t, s, "c")}
	const n = 32
	var mu sync.Mutex
	var numbers []int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			deployment := newDeployment(digests[i%3], digests[(i+1)%3]) // in different orders
			if i%4 == 0 {
				deployment = newDeployment()
			}
			replica := []*store.Store{s, other}[i%2]
			d, err := replica.AddDeployment(t.Context(), deployment, nil)
			if err != nil {
				t.Errorf("adding: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			numbers = append(numbers, d.Number)
		})
	}
	wg.Wait()
	slices.Sort(numbers)
	for i, got := range numbers {
		if got != int64(i+1) {
			t.Fatalf("numbers: got %v, want 1 to %d", numbers, n)
		}
	}
	wantCurrent(t, s, n)
}

func testMissingModule(t *testing.T, database string) {
	s := open(t, database)
	digest, missing := mustAddModule(t, s, "here"), scripts.Digest([]byte("not here"))
	_, err := s.AddDeployment(t.Context(), newDeployment(digest, missing), nil)
	if !errors.Is(err, scripts.ErrNotFound) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, want %v and the digest", err, scripts.ErrNotFound)
	}
	wantCurrent(t, s, 0)
}

func testIfCurrent(t *testing.T, database string) {
	s := open(t, database)
	add := func(ifCurrent int64) error {
		_, err := s.AddDeployment(t.Context(), newDeployment(), &ifCurrent)
		return err
	}
	if err := add(1); !errors.Is(err, scripts.ErrConflict) {
		t.Errorf("if 1 is in force, with none: got %v, want %v", err, scripts.ErrConflict)
	}
	if err := add(0); err != nil {
		t.Errorf("if none is in force: %v", err)
	}
	if err := add(0); !errors.Is(err, scripts.ErrConflict) {
		t.Errorf("if none is in force, with 1: got %v, want %v", err, scripts.ErrConflict)
	}
	if err := add(1); err != nil {
		t.Errorf("if 1 is in force: %v", err)
	}
	wantCurrent(t, s, 2)
}

func testIfCurrentRace(t *testing.T, database string) {
	s, other := open(t, database), open(t, database)
	for round := range int64(5) {
		var mu sync.Mutex
		won := 0
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				replica := []*store.Store{s, other}[i%2]
				_, err := replica.AddDeployment(t.Context(), newDeployment(), &round)
				if err != nil && !errors.Is(err, scripts.ErrConflict) {
					t.Errorf("round %d: got %v, want %v", round, err, scripts.ErrConflict)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					won++
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("round %d: got %d winners, want one", round, won)
		}
		wantCurrent(t, s, round+1)
	}
}
