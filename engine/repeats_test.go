package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWithoutRepeats(t *testing.T) {
	for _, n := range []int{0, 1, 2, manyValues - 1, manyValues, manyValues + 1, 3 * manyValues} {
		list := []string{}
		for i := range n {
			list = append(list, fmt.Sprint(i))
		}
		if got := withoutRepeats(list); !slices.Equal(got, list) || n > 0 && &got[0] != &list[0] {
			t.Errorf("%d distinct values: got another list, %v", n, got)
		}
		doubled := slices.Concat(list, list, list)
		before := slices.Clone(doubled)
		if got := withoutRepeats(doubled); !slices.Equal(got, list) || !slices.Equal(doubled, before) {
			t.Errorf("%d values, each three times: got %v", n, got)
		}
	}
	if withoutRepeats(nil) != nil || withoutRepeats([]string{}) == nil {
		t.Error("a list that was left out and an empty one are the same")
	}
}

func TestPlainScope(t *testing.T) {
	long := strings.TrimSpace(repeatedWords(3 * manyValues))
	for in, want := range map[string]string{"": "", "a": "a", "a b": "a b", " a  b ": "a b", "b a b": "b a", "  ": "",
		"a\u00a0b": "a\u00a0b", long: long, long + " 0 1": long, "ab b": "ab b"} {
		if got := plainScope(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// repeatedWords returns n different scopes.
func repeatedWords(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()
}

// Lists that a script sets lose what repeats. Steps that leave repeats behind break an invariant.
func TestScriptsRepeatNothing(t *testing.T) {
	patch := `{"contacts":["a","b","a"],"redirect_uris":["https://a.example/","https://a.example/"],"scope":" b  a b"}`
	c := Config{Overrides: override(func(_ *Registration, s *Steps) {
		s.AddClientSecret = func(_ context.Context, r *Registration) error {
			by := Patcher{Step: "add_client_secret"}
			return errors.Join(addClientSecret(t.Context(), r), r.PatchMetadata(by, []byte(patch)))
		}
	})}
	got, err := register(t, c, minimal)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, got, `{"contacts":["a","b"],"redirect_uris":["https://a.example/"],"scope":"b a"}`)

	for want, change := range map[string]func(*Metadata){
		"contacts[1] repeats 'a'":    func(m *Metadata) { m.Contacts = []string{"a", "a"} },
		"grant_types[1] repeats":     func(m *Metadata) { m.GrantTypes = slices.Repeat(m.GrantTypes, 2) },
		"scope has a scope twice":    func(m *Metadata) { m.Scope = "a b a" },
		"scope has a scope twice, o": func(m *Metadata) { m.Scope = "a  b" },
	} {
		c := Config{Overrides: override(func(_ *Registration, s *Steps) {
			s.BuildResponse = func(_ context.Context, r *Registration) error { change(&r.Client.Metadata); return nil }
		})}
		if _, err := register(t, c, minimal); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Steps see lists of words without repeats, so that a client with one grant type has one.
func TestStepsSeeNoRepeats(t *testing.T) {
	request, err := ParseRequest([]byte(`{"grant_types":["client_credentials","client_credentials"],
		"redirect_uris":["https://a.example/","https://a.example/"],"contacts":["a","a"]}`))
	if err != nil {
		t.Fatal(err)
	}
	m := request.Metadata
	if diff := cmp.Diff([][]string{{"client_credentials"}, {"a"}}, [][]string{m.GrantTypes, m.Contacts}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(m.RedirectURIs) != 2 {
		t.Errorf("redirect_uris: got %v, want the list as sent, whose indices errors name", m.RedirectURIs)
	}
}
