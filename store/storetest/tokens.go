package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/store"
)

func newToken(id string, hash byte) token.Admin {
	return token.Admin{ID: id, Hash: [32]byte{hash}, Label: "label of " + id, Roles: []token.Role{token.RoleAdmin},
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
}

func testAdminTokens(t *testing.T, database string) {
	s := open(t, database)
	want := []token.Admin{newToken("b", 1), newToken("a", 2), newToken("A", 3), newToken("a ", 4)}
	want[1].Roles, want[1].CreatedBy = []token.Role{token.RoleClients, token.RoleRead}, "someone"
	want[1].ExpiresAt = want[1].CreatedAt.Add(time.Hour)
	want[2].Roles = nil
	for i := range want {
		want[i].CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, i*1000, time.UTC)
		want[i].Label += "😀"
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
	for _, label := range []string{want[3].Label, want[3].Label + "  "} {
		same := newToken("d", 7)
		same.Label = label
		if added, err := s.AddAdminToken(t.Context(), same); !errors.Is(err, token.ErrLabel) || added {
			t.Errorf("the label %q, which another token has: got %t and %v, want %v", label, added, err, token.ErrLabel)
		}
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

// Two processes that revoke the last two tokens with the role admin leave one of them.
func testLastAdminToken(t *testing.T, database string) {
	s, other, now := open(t, database), open(t, database), time.Now()
	expired, reader := newToken("expired", 3), newToken("reader", 4)
	expired.ExpiresAt = now.Add(-time.Second)
	reader.Roles = []token.Role{token.RoleRead, token.RoleScripts}
	for _, token := range []token.Admin{newToken("a", 1), newToken("b", 2), expired, reader} {
		if added, err := s.AddAdminToken(t.Context(), token); err != nil || !added {
			t.Fatal(added, err)
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = s.DeleteAdminTokenButLast(t.Context(), "a", now) })
	wg.Go(func() { errs[1] = other.DeleteAdminTokenButLast(t.Context(), "b", now) })
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), token.ErrLast) {
		t.Fatalf("got %v, want one success and %v", errs, token.ErrLast)
	}
	for _, id := range []string{"expired", "reader"} {
		if err := s.DeleteAdminTokenButLast(t.Context(), id, now); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	left, err := s.AdminTokens(t.Context())
	if err != nil || len(left) != 1 {
		t.Fatalf("got %+v and %v, want one token", left, err)
	}
	if err := s.DeleteAdminToken(t.Context(), left[0].ID); err != nil {
		t.Error(err)
	}
	for _, revoke := range []func() error{
		func() error { return s.DeleteAdminToken(t.Context(), left[0].ID) },
		func() error { return s.DeleteAdminTokenButLast(t.Context(), left[0].ID, now) },
	} {
		if err := revoke(); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("again: got %v, want %v", err, engine.ErrNotFound)
		}
	}
}

// A use is noted unless one less than the given time before is, or a later one.
func testAdminTokenUse(t *testing.T, database string) {
	s := open(t, database)
	if added, err := s.AddAdminToken(t.Context(), newToken("a", 1)); err != nil || !added {
		t.Fatal(added, err)
	}
	first := time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)
	for i, use := range []struct{ at, want time.Time }{
		{first, first},
		{first.Add(time.Minute - time.Microsecond), first},
		{first.Add(time.Minute), first.Add(time.Minute)},
		{first.Add(-time.Hour), first.Add(time.Minute)},
	} {
		for _, id := range []string{"a", "unknown"} {
			if err := s.UseAdminToken(t.Context(), id, use.at, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.AdminTokens(t.Context()); err != nil || len(got) != 1 || !got[0].UsedAt.Equal(use.want) {
			t.Errorf("use %d: got %+v and %v, want %v", i, got, err, use.want)
		}
	}
}

// A token whose expiry is lost when the schema is migrated down has no role afterwards. Others keep theirs.
func testAdminTokensDownAndUp(t *testing.T, database string) {
	s := open(t, database)
	brief, reader := newToken("brief", 2), newToken("reader", 3)
	brief.ExpiresAt = time.Now().Add(time.Hour)
	reader.Roles = []token.Role{token.RoleRead}
	for _, add := range []token.Admin{newToken("admin", 1), brief, reader} {
		if added, err := s.AddAdminToken(t.Context(), add); err != nil || !added {
			t.Fatal(added, err)
		}
	}
	for _, to := range []int64{3, store.LatestVersion} { // version 4 brought the expiry
		if _, now, err := store.Migrate(t.Context(), store.Config{Database: database}, to); err != nil || now != to {
			t.Fatalf("got version %d and %v, want %d", now, err, to)
		}
	}
	got := map[string][]token.Role{}
	list, err := open(t, database).AdminTokens(t.Context())
	for _, a := range list {
		got[a.Label] = a.Roles
	}
	want := map[string][]token.Role{"admin": {token.RoleAdmin}, "brief": nil, "reader": {token.RoleRead}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("the roles, by label, want (-) and got (+), %v:\n%s", err, diff)
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

// Of several processes that add tokens with one label at once, one succeeds.
func testAdminLabelRace(t *testing.T, database string) {
	stores := []*store.Store{open(t, database), open(t, database)}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			same := newToken(fmt.Sprint("token ", i), byte(i+1))
			same.Label = "the same"
			_, errs[i] = stores[i%2].AddAdminToken(t.Context(), same)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, token.ErrLabel) {
			t.Errorf("token %d: got %v, want nil or %v", i, err, token.ErrLabel)
		}
	}
	if got, err := stores[0].AdminTokens(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("got %+v and %v, want one token", got, err)
	}
}
