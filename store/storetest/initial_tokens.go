package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/store"
)

func newInitialToken(id string, uses int64) *engine.InitialAccessToken {
	return &engine.InitialAccessToken{ID: id, Hash: [32]byte{1, byte(len(id)), id[0]}, Label: "for " + id,
		MaxUses: uses, UsesLeft: uses,
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
}

func addInitialToken(t testing.TB, s *store.Store, token *engine.InitialAccessToken) {
	t.Helper()
	if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

// clientBy returns a client that is registered with a token.
func clientBy(token *engine.InitialAccessToken, id string) *engine.Client {
	c := newClient(id)
	c.Caller = token.Caller()
	return c
}

func wantUsesLeft(t testing.TB, s *store.Store, token *engine.InitialAccessToken, want int64) {
	t.Helper()
	got, err := s.InitialAccessToken(context.Background(), token.Hash)
	if err != nil || got.UsesLeft != want {
		t.Errorf("got %+v and %v, want %d uses left", got, err, want)
	}
}

func testInitialTokens(t *testing.T, database string) {
	s := open(t, database)
	first, second, third := newInitialToken("first", 3), newInitialToken("a", 0), newInitialToken("A", 1)
	first.CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)
	second.CreatedAt, third.CreatedAt = first.CreatedAt.Add(time.Microsecond), first.CreatedAt.Add(2*time.Microsecond)
	first.Label, first.Scopes, first.ExpiresAt = "für 🔑  ", []string{"read", "write"},
		time.Date(2027, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	for _, token := range []*engine.InitialAccessToken{first, second, third} {
		addInitialToken(t, s, token)
		got, err := s.InitialAccessToken(t.Context(), token.Hash)
		if diff := cmp.Diff(token, got); err != nil || diff != "" {
			t.Errorf("want (-) and got (+), %v:\n%s", err, diff)
		}
	}
	list, err := s.InitialAccessTokens(t.Context())
	if diff := cmp.Diff([]*engine.InitialAccessToken{third, second, first}, list); err != nil || diff != "" {
		t.Errorf("the list, want (-) and got (+), %v:\n%s", err, diff)
	}
	taken, twin := newInitialToken("first", 1), newInitialToken("twin", 1)
	taken.Hash[9], twin.Hash = 9, first.Hash
	for _, bad := range []*engine.InitialAccessToken{
		taken, twin, {ID: strings.Repeat("x", 65), CreatedAt: first.CreatedAt}, {CreatedAt: first.CreatedAt},
		{ID: "no time"},
	} {
		if err := s.AddInitialAccessToken(t.Context(), bad); err == nil || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("adding %+v: got %v, want an error", bad, err)
		}
	}
	if _, err := s.InitialAccessToken(t.Context(), [32]byte{}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an unknown hash: got %v, want %v", err, engine.ErrNotFound)
	}
	for _, want := range []error{nil, engine.ErrNotFound} {
		if err := s.DeleteInitialAccessToken(t.Context(), "a"); !errors.Is(err, want) {
			t.Errorf("revoking: got %v, want %v", err, want)
		}
	}
	if _, err := s.InitialAccessToken(t.Context(), second.Hash); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("after it was revoked: got %v, want %v", err, engine.ErrNotFound)
	}
	wantUsesLeft(t, s, third, 1)
}

func testUses(t *testing.T, database string) {
	s := open(t, database)
	two, any, other := newInitialToken("two", 2), newInitialToken("unlimited", 0), newInitialToken("other", 5)
	for _, token := range []*engine.InitialAccessToken{two, any, other} {
		addInitialToken(t, s, token)
	}
	first := clientBy(two, "1")
	mustAdd(t, s, first)
	mustAdd(t, s, first) // the same client again takes no use
	wantUsesLeft(t, s, two, 1)
	mustAdd(t, s, clientBy(two, "2"))
	mustAdd(t, s, first) // even if no use is left
	if err := s.AddClient(t.Context(), clientBy(two, "3")); !errors.Is(err, engine.ErrTokenSpent) {
		t.Errorf("the third of two uses: got %v, want %v", err, engine.ErrTokenSpent)
	}
	wantExists(t, s, "3", false)
	wantUsesLeft(t, s, two, 0)
	for i := range 3 {
		mustAdd(t, s, clientBy(any, fmt.Sprint("any-", i)))
	}
	mustAdd(t, s, newClient("without"))
	wantUsesLeft(t, s, other, 5)
	for _, token := range []*engine.InitialAccessToken{any, other} {
		if err := s.DeleteInitialAccessToken(t.Context(), token.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.AddClient(t.Context(), clientBy(token, "revoked")); !errors.Is(err, engine.ErrTokenSpent) {
			t.Errorf("after %s was revoked: got %v, want %v", token.ID, err, engine.ErrTokenSpent)
		}
	}
	wantExists(t, s, "revoked", false)
}

func testUseRace(t *testing.T, database string) {
	one, another := open(t, database), open(t, database)
	for uses := range int64(4) {
		token := newInitialToken(fmt.Sprint(uses+1, " uses"), uses+1)
		addInitialToken(t, one, token)
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			s := []*store.Store{one, another}[i%2]
			wg.Go(func() {
				switch err := s.AddClient(t.Context(), clientBy(token, fmt.Sprint(token.ID, " ", i))); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, engine.ErrTokenSpent):
					lost.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != uses+1 || lost.Load() != 7-uses {
			t.Errorf("%d uses: %d won and %d lost", uses+1, won.Load(), lost.Load())
		}
		wantUsesLeft(t, one, token, 0)
	}
	if page, err := one.Clients(t.Context(), engine.ClientFilter{}, 0, 0); err != nil || len(page.Clients) != 1+2+3+4 {
		t.Errorf("got %d clients and %v, want 10", len(page.Clients), err)
	}
}

// If the client is not stored, the use is not taken.
func testNoUseLost(t *testing.T, database string) {
	s := open(t, database)
	token := newInitialToken("token", 1)
	addInitialToken(t, s, token)
	mustAdd(t, s, newClient("taken"))
	if err := s.AddClient(t.Context(), clientBy(token, "taken")); !errors.Is(err, engine.ErrExists) {
		t.Errorf("an ID that is taken: got %v, want %v", err, engine.ErrExists)
	}
	wantUsesLeft(t, s, token, 1)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AddClient(cancelled, clientBy(token, "cancelled")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	wantUsesLeft(t, s, token, 1)
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
		c := clientBy(token, fmt.Sprint("cut-", i))
		if err := s.AddClient(ctx, c); err == nil {
			cancel()
			wantExists(t, s, c.ID, true)
			wantUsesLeft(t, s, token, 0)
			return
		}
		cancel()
		awaitSettled(t, s) // it may have been stored nevertheless, if its COMMIT was cut
		wantExists(t, s, c.ID, false)
		wantUsesLeft(t, s, token, 1)
	}
	mustAdd(t, s, clientBy(token, "at last"))
	wantUsesLeft(t, s, token, 0)
}

// awaitSettled returns when no client is in doubt.
func awaitSettled(t *testing.T, s *store.Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); s.InDoubt() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d clients are still in doubt", s.InDoubt())
		}
	}
}
