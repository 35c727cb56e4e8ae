package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/engine"
	"registrar/store"
)

// testUpdateClient changes all that an update can change, from a bare client to a full one and back.
func testUpdateClient(t *testing.T, database string) {
	s := open(t, database)
	bare := newClient("x")
	full := fullClient(t, "x")
	mustAdd(t, s, bare, newClient("X"))

	// An update must not change the registration's time, caller and provenance, and the time when the client was seen.
	change := *full
	change.RegistrationID, change.Version = bare.RegistrationID, 0
	want := change
	want.IssuedAt, want.Caller, want.Provenance, want.SeenAt, want.Version = bare.IssuedAt, bare.Caller,
		bare.Provenance, time.Time{}, 1
	mustUpdate(t, s, &change)
	compare(t, &want, mustGet(t, s, "x"))
	if found := ids(t, s, engine.ClientFilter{Query: full.Metadata.ClientName}); len(found) != 1 {
		t.Errorf("searching the new name: got %q, want one client", found)
	}

	back := *bare
	back.Version = 1
	mustUpdate(t, s, &back)
	want = *bare
	want.Version = 2
	compare(t, &want, mustGet(t, s, "x"))

	var event string
	var sequence int
	row := raw(t, database).QueryRow("SELECT event, sequence FROM clients WHERE client_id = 'x'")
	if err := row.Scan(&event, &sequence); err != nil || event != "updated" || sequence != 4 {
		t.Errorf("event and sequence: got %s, %d and %v, want updated, 4", event, sequence, err)
	}
}

func mustUpdate(t testing.TB, s *store.Store, c *engine.Client) {
	t.Helper()
	if err := s.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func testUpdateConflict(t *testing.T, database string) {
	s := open(t, database)
	c := newClient("x")
	mustAdd(t, s, c)
	stale, reborn, gone := *c, *c, newClient("y")
	stale.Version = 1
	reborn.RegistrationID = uuid.New() // another client with the ID
	for name, change := range map[string]*engine.Client{
		"another version": &stale, "another registration": &reborn, "no client": gone,
	} {
		change.Metadata.ClientName = name
		err := s.UpdateClient(t.Context(), change)
		if !errors.Is(err, engine.ErrConflict) || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, engine.ErrConflict)
		}
	}
	compare(t, c, mustGet(t, s, "x"))
	wantExists(t, s, "y", false)
}

// testOneUpdate runs eight concurrent updates of the same version, in several rounds.
func testOneUpdate(t *testing.T, database string) {
	s := open(t, database)
	c := newClient("x")
	mustAdd(t, s, c)
	for round := range int64(10) {
		errs := make([]error, 8)
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range errs {
			change := *c
			change.Version = round
			change.Metadata.ClientName = fmt.Sprint(i)
			done.Go(func() {
				start.Wait()
				errs[i] = s.UpdateClient(t.Context(), &change)
			})
		}
		start.Done()
		done.Wait()
		winner := ""
		for i, err := range errs {
			switch {
			case err == nil && winner == "":
				winner = fmt.Sprint(i)
			case !errors.Is(err, engine.ErrConflict):
				t.Errorf("update %d: got %v, want %v", i, err, engine.ErrConflict)
			}
		}
		if got := mustGet(t, s, "x"); got.Metadata.ClientName != winner || got.Version != round+1 {
			t.Errorf("update %s is stored as version %d, but %s succeeded; want version %d",
				got.Metadata.ClientName, got.Version, winner, round+1)
		}
	}
}

func testClientByToken(t *testing.T, database string) {
	s := open(t, database)
	a, b := newClient("a"), newClient("b")
	first, second := sha256.Sum256([]byte("first")), sha256.Sum256([]byte("second"))
	a.TokenHash, b.TokenHash = &first, &second
	mustAdd(t, s, a, b, newClient("c"), newClient("d")) // c and d have no token
	for want, hash := range map[string]*[32]byte{"a": &first, "b": &second} {
		got, err := s.ClientByToken(t.Context(), want, *hash)
		if err != nil || got.ID != want {
			t.Errorf("by the token of %s: got %+v and %v", want, got, err)
		}
	}
	rotated := *a
	third := sha256.Sum256([]byte("third"))
	rotated.TokenHash = &third
	mustUpdate(t, s, &rotated)
	for name, wrong := range map[string]struct {
		id   string
		hash [32]byte
	}{"another's token": {"a", second}, "an old token": {"a", first}, "no token": {"c", [32]byte{}},
		"no client": {"e", third}} {
		if _, err := s.ClientByToken(t.Context(), wrong.id, wrong.hash); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("by %s: got %v, want %v", name, err, engine.ErrNotFound)
		}
		if err := s.DeleteClientByToken(t.Context(), wrong.id, wrong.hash); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("deleting with %s: got %v, want %v", name, err, engine.ErrNotFound)
		}
	}
	if err := s.DeleteClientByToken(t.Context(), "a", third); err != nil {
		t.Error(err)
	}
	wantExists(t, s, "a", false)
	wantExists(t, s, "b", true)
	wantExists(t, s, "c", true)
}

// testDisabledClient disables a client. It can be read by its token, so that it can be told why it is refused, but
// cannot delete itself, and is not marked as seen.
func testDisabledClient(t *testing.T, database string) {
	s := open(t, database)
	c := newClient("x")
	c.TokenHash = new(sha256.Sum256([]byte("token")))
	mustAdd(t, s, c)
	disabled := *c
	disabled.Status = engine.StatusDisabled
	disabled.AdminActs = []engine.AdminAct{{Action: engine.ActionDisabled, At: c.IssuedAt, By: "someone"}}
	mustUpdate(t, s, &disabled)
	if got, err := s.ClientByToken(t.Context(), "x", *c.TokenHash); err != nil || got.Active() {
		t.Errorf("by its token: got %+v and %v, want the disabled client", got, err)
	}
	seen := c.IssuedAt.Add(time.Hour)
	mark := func(want time.Time) {
		t.Helper()
		if err := s.MarkSeen(t.Context(), []string{"x"}, seen); err != nil {
			t.Fatal(err)
		}
		if got := mustGet(t, s, "x").SeenAt; !got.Equal(want) {
			t.Errorf("marking it as seen: got seen at %v, want %v", got, want)
		}
	}
	mark(time.Time{})
	if err := s.DeleteClientByToken(t.Context(), "x", *c.TokenHash); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleting itself while disabled: got %v, want %v", err, engine.ErrNotFound)
	}
	if err := s.AddClient(t.Context(), newClient("x")); !errors.Is(err, engine.ErrExists) {
		t.Errorf("registering with its ID: got %v, want %v", err, engine.ErrExists)
	}
	enabled := disabled
	enabled.Status, enabled.Version = "", 1
	mustUpdate(t, s, &enabled)
	mark(seen.Truncate(time.Microsecond))
	if err := s.DeleteClientByToken(t.Context(), "x", *c.TokenHash); err != nil {
		t.Errorf("deleting itself: got %v", err)
	}
}

func testMarkSeen(t *testing.T, database string) {
	s := open(t, database)
	mustAdd(t, s, newClient("a"), newClient("A"), newClient("b"))
	noon := time.Date(2026, 5, 6, 12, 0, 0, 123_456_789, time.UTC)
	mark := func(at time.Time, ids ...string) {
		t.Helper()
		if err := s.MarkSeen(t.Context(), ids, at); err != nil {
			t.Fatal(err)
		}
	}
	mark(noon, "b", "unknown", "a", "a")
	mark(noon.Add(-time.Hour), "a")
	mark(noon.Add(time.Hour), "b")
	mark(noon)
	for id, want := range map[string]time.Time{
		"a": noon.Truncate(time.Microsecond), "A": {}, "b": noon.Add(time.Hour).Truncate(time.Microsecond),
	} {
		if got := mustGet(t, s, id); !got.SeenAt.Equal(want) || got.Version != 0 {
			t.Errorf("client %s: got seen at %v, version %d; want %v, version 0", id, got.SeenAt, got.Version, want)
		}
	}
	if err := s.MarkSeen(t.Context(), []string{"a"}, time.Time{}); err == nil {
		t.Error("at the zero time: got no error, want one")
	}
}
