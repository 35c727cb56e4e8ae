package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/store"
)

// latest returns the IDs of the last n clients.
func latest(t testing.TB, s *store.Store, n int) []string {
	t.Helper()
	ids := []string{}
	for c, err := range s.LatestClients(t.Context(), n) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	return ids
}

func count(t testing.TB, s *store.Store, limit int) int {
	t.Helper()
	n, err := s.CountClients(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The newest client is the one that was written last, regardless of IDs and times.
func testLatest(t *testing.T, database string) {
	s := open(t, database)
	if got := latest(t, s, 10); len(got) != 0 || count(t, s, 10) != 0 {
		t.Errorf("of an empty database: got %q", got)
	}
	base := time.Date(2026, 3, 29, 0, 59, 59, 999_990_000, time.UTC)
	var clients []*engine.Client
	for i := range 250 {
		c := newClient(fmt.Sprintf("%c-%03d", "aAzZ"[i%4], i))
		c.IssuedAt = base.Add(time.Duration(i/40) * time.Microsecond) // forty at the same time
		clients = append(clients, c)
	}
	rand.Shuffle(len(clients), func(i, j int) { clients[i], clients[j] = clients[j], clients[i] })
	for _, c := range clients {
		mustAdd(t, s, c)
	}
	slices.Reverse(clients)
	var want []string
	for _, c := range clients {
		want = append(want, c.ID)
	}
	for _, n := range []int{0, 1, 99, 100, 101, 200, 249, 250, 251, 100_000} {
		expected := want[:min(n, len(want))]
		if diff := cmp.Diff(slices.Clip(expected), latest(t, s, n)); diff != "" && n > 0 {
			t.Errorf("the last %d, want (-) and got (+):\n%s", n, diff)
		}
		if got := count(t, s, n); got != len(expected) {
			t.Errorf("counting up to %d: got %d, want %d", n, got, len(expected))
		}
	}
}

func testLatestWhole(t *testing.T, database string) {
	s := open(t, database)
	want := fullClient(t, "whole")
	mustAdd(t, s, want)
	for got, err := range s.LatestClients(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		compare(t, want, got)
	}
}

// Clients can be added and deleted between two pages. Deleted ones are left out.
func testLatestWhileWriting(t *testing.T, database string) {
	s := open(t, database)
	base := time.Now().UTC().Truncate(time.Second)
	for i := range 150 {
		c := newClient(fmt.Sprintf("c%03d", i))
		c.IssuedAt = base.Add(time.Duration(i) * time.Second)
		mustAdd(t, s, c)
	}
	var got []string
	for c, err := range s.LatestClients(t.Context(), 1000) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			later := newClient("later")
			later.IssuedAt = base.Add(time.Hour)
			mustAdd(t, s, later)
			if err := s.DeleteClient(t.Context(), "c000"); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, c.ID)
	}
	if len(got) != 149 || got[0] != "c149" || got[148] != "c001" {
		t.Errorf("got %d clients from %q to %q, want 149 from c149 to c001", len(got), got[0], got[len(got)-1])
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen, failed := 0, error(nil)
	for c, err := range s.LatestClients(ctx, 1000) {
		if failed = err; c != nil {
			seen++
		}
		cancel()
	}
	if seen != 100 || !errors.Is(failed, context.Canceled) {
		t.Errorf("cancelled in the first page: got %d clients and %v, want that page and %v", seen, failed,
			context.Canceled)
	}
	for range s.LatestClients(t.Context(), 1000) {
		break // must not panic
	}
}
