package storetest

import (
	"errors"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/store"
)

func testIDBytes(t *testing.T, database string) {
	s := open(t, database)
	ids := []string{"abc", "ABC", "Abc", "abc ", "abc  ", "abc\t", " abc", "a\x00c", "a\x00C"}
	for _, id := range ids {
		c := newClient(id)
		c.Metadata.ClientName = "name of " + id
		mustAdd(t, s, c)
	}
	for _, id := range ids {
		if got, want := mustGet(t, s, id).Metadata.ClientName, "name of "+id; got != want {
			t.Errorf("client %q: got %q, want %q", id, got, want)
		}
	}
	wantExists(t, s, "aBC", false)
	wantExists(t, s, "abc   ", false)
	wantExists(t, s, "abc", true)
	wantExists(t, s, "abc ", true)
}

func wantExists(t testing.TB, s *store.Store, id string, want bool) {
	t.Helper()
	if got, err := s.ClientExists(t.Context(), id); err != nil || got != want {
		t.Errorf("client %q exists: got %t and %v, want %t", id, got, err, want)
	}
}

func testSpecialIDs(t *testing.T, database string) {
	s := open(t, database)
	for _, id := range []string{
		"/", "a/b", "%", "%2F", "?", "a?b=c&d", "~", "'", `"`, `\`, "`", ";", "--", "_", "*", ".a", "...", "!",
	} {
		want := newClient(id)
		mustAdd(t, s, want)
		compare(t, want, mustGet(t, s, id))
		wantExists(t, s, id, true)
		if err := s.DeleteClient(t.Context(), id); err != nil {
			t.Error(err)
		}
		wantExists(t, s, id, false)
	}
}

// IDs come from the paths of requests, so a look-up must accept any string.
func testImpossibleIDs(t *testing.T, database string) {
	s := open(t, database)
	mustAdd(t, s, newClient("a"), newClient("é"))
	for _, id := range []string{
		"", "\x00", "\xff\xfe", "a\xff", "\xed\xa0\x80", "𝄞", "e\u0301", "É", "E",
		strings.Repeat("x", 256), strings.Repeat("x", 100_000),
	} {
		wantExists(t, s, id, false)
		if _, err := s.Client(t.Context(), id); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("client %.20q: got %v, want %v", id, err, engine.ErrNotFound)
		}
		if err := s.DeleteClient(t.Context(), id); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("deleting client %.20q: got %v, want %v", id, err, engine.ErrNotFound)
		}
		if _, err := s.Clients(t.Context(), everywhere(id), 0, 0); err != nil {
			t.Errorf("listing with %.20q: %v", id, err)
		}
		if _, err := s.Module(t.Context(), id); !errors.Is(err, scripts.ErrNotFound) {
			t.Errorf("module %.20q: got %v, want %v", id, err, scripts.ErrNotFound)
		}
	}
}

func testIDLimits(t *testing.T, database string) {
	s := open(t, database)
	longest := strings.Repeat("x", 255)
	mustAdd(t, s, newClient(longest))
	wantExists(t, s, longest, true)
	for _, id := range []string{"", longest + "x"} {
		if err := s.AddClient(t.Context(), newClient(id)); err == nil || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("an ID of %d bytes: got %v, want an error other than %v", len(id), err, engine.ErrUnavailable)
		}
	}
}
