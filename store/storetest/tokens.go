package storetest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/token"
)

func newToken(id string, hash byte) token.Admin {
	return token.Admin{ID: id, Hash: [32]byte{hash}, Role: "admin",
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
}

func testAdminTokens(t *testing.T, database string) {
	s := open(t, database)
	want := []token.Admin{newToken("b", 1), newToken("a", 2), newToken("A", 3), newToken("a ", 4)}
	for i := range want {
		want[i].CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, i*1000, time.UTC)
		if added, err := s.AddAdminToken(t.Context(), want[i]); err != nil || !added {
			t.Fatalf("adding %q: got %t and %v, want true", want[i].ID, added, err)
		}
	}
	if added, err := s.AddAdminToken(t.Context(), newToken("a", 9)); err != nil || added {
		t.Errorf("an ID that is taken: got %t and %v, want false", added, err)
	}
	if added, err := s.AddAdminToken(t.Context(), newToken("c", 1)); err == nil || added {
		t.Errorf("a hash that another token has: got %t and %v, want an error", added, err)
	}
	for _, id := range []string{"", strings.Repeat("x", 65)} {
		if _, err := s.AddAdminToken(t.Context(), newToken(id, 8)); err == nil {
			t.Errorf("an ID of %d bytes: got no error, want one", len(id))
		}
	}
	got, err := s.AdminTokens(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("the list, oldest first, want (-) and got (+), %v:\n%s", err, diff)
	}
}

func testAdminTokenRace(t *testing.T, database string) {
	s := open(t, database)
	var won atomic.Int64
	var winner atomic.Uint32
	var wg sync.WaitGroup
	for i := range byte(8) {
		wg.Go(func() {
			added, err := s.AddAdminToken(t.Context(), newToken("first", i+1))
			if err != nil {
				t.Errorf("adding: %v", err)
			}
			if added {
				won.Add(1)
				winner.Store(uint32(i) + 1)
			}
		})
	}
	wg.Wait()
	got, err := s.AdminTokens(t.Context())
	if err != nil || len(got) != 1 || won.Load() != 1 || uint32(got[0].Hash[0]) != winner.Load() {
		t.Errorf("got %d winners, the last %d, and %+v stored, %v; want one", won.Load(), winner.Load(), got, err)
	}
}
