package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/store"
)

// ids returns the IDs that a search finds.
func ids(t testing.TB, s *store.Store, after, q string, limit int) []string {
	t.Helper()
	clients, err := s.Clients(t.Context(), after, q, limit)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, c := range clients {
		ids = append(ids, c.ID)
	}
	return ids
}

func testPages(t *testing.T, database string) {
	s := open(t, database)
	want := []string{"A", "B", "a", "a!", "aa", "b", "~"}
	for i := range 150 {
		want = append(want, fmt.Sprintf("n%04d", i))
	}
	shuffled := slices.Clone(want)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, id := range shuffled {
		mustAdd(t, s, newClient(id))
	}
	slices.Sort(want) // by bytes

	for _, size := range []int{1, 7, 100, 157, 1000, 5000} {
		got, after := []string{}, ""
		for {
			page := ids(t, s, after, "", size)
			if len(page) > size {
				t.Fatalf("a page of %d: got %d clients", size, len(page))
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d, want (-) and got (+):\n%s", size, diff)
		}
	}
	if got := len(ids(t, s, "", "", 0)); got != 100 {
		t.Errorf("without a limit: got %d clients, want 100", got)
	}
	if got := ids(t, s, "~~", "", 0); len(got) != 0 {
		t.Errorf("after the last: got %q, want none", got)
	}
}

func testSearch(t *testing.T, database string) {
	s := open(t, database)
	for id, name := range map[string]string{
		"acme-1": "Editor", "acme-2": "ÜBER Größe", "Acme-3": "100% sure", "x_1": "100 sure", "x1": `back\slash`,
		"other": "the acme-Editor", "nameless": "", "long": "Проверка 漢字 'quoted'",
	} {
		c := newClient(id)
		c.Metadata.ClientName = name
		mustAdd(t, s, c)
	}
	for _, c := range []struct {
		q    string
		want []string
	}{
		{"acme", []string{"acme-1", "acme-2", "other"}}, // case matters in IDs, but not in names
		{"Acme", []string{"Acme-3", "other"}},
		{"ACME-EDITOR", []string{"other"}},
		{"editor", []string{"acme-1", "other"}},
		{"über", []string{"acme-2"}},
		{"GRÖSSE", []string{}},
		{"проверка", []string{"long"}},
		{"漢", []string{"long"}},
		{"%", []string{"Acme-3"}},
		{"0%", []string{"Acme-3"}},
		{"x_", []string{"x_1"}},
		{"_", []string{}},
		{`\`, []string{"x1"}},
		{"'", []string{"long"}},
		{"me-1", []string{}}, // not a prefix
		{"acme-1x", []string{}},
		{"\xff", []string{}},
		{"", []string{"Acme-3", "acme-1", "acme-2", "long", "nameless", "other", "x1", "x_1"}},
	} {
		if diff := cmp.Diff(c.want, ids(t, s, "", c.q, 0)); diff != "" {
			t.Errorf("searching %q, want (-) and got (+):\n%s", c.q, diff)
		}
	}
	if diff := cmp.Diff([]string{"acme-2"}, ids(t, s, "acme-1", "acme", 1)); diff != "" {
		t.Errorf("the second page of a search, want (-) and got (+):\n%s", diff)
	}
}
