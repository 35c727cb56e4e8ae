package storetest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/store"
)

// ids returns the IDs of the clients that match a filter, from all pages, sorted.
func ids(t testing.TB, s *store.Store, f engine.ClientFilter) []string {
	t.Helper()
	found := inPages(t, s, f, 0)
	slices.Sort(found)
	return found
}

// inPages returns the IDs of the clients that match a filter in the order of the list, read in pages of at most limit.
func inPages(t testing.TB, s *store.Store, f engine.ClientFilter, limit int) []string {
	t.Helper()
	ids, turned := []string{}, map[int64]bool{}
	for before := int64(0); ; {
		page, err := s.Clients(t.Context(), f, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if most := min(cmp.Or(limit, 100), 1000); len(page.Clients) > most {
			t.Fatalf("a page of %d: got %d clients", most, len(page.Clients))
		}
		for _, c := range page.Clients {
			ids = append(ids, c.ID)
		}
		if page.Next == 0 {
			return ids
		}
		if turned[page.Next] {
			t.Fatalf("two pages continue at %d", page.Next)
		}
		turned[page.Next] = true
		before = page.Next
	}
}

func testPages(t *testing.T, database string) {
	s := open(t, database)
	var want []string
	for i := range 157 {
		id := fmt.Sprintf("n%04d", i*31%157) // in another order than that of the IDs
		mustAdd(t, s, newClient(id))
		want = append(want, id)
	}
	slices.Reverse(want)
	for _, size := range []int{0, 1, 7, 100, 157, 1000, 5000} {
		if diff := gocmp.Diff(want, inPages(t, s, engine.ClientFilter{}, size)); diff != "" {
			t.Errorf("in pages of %d, want (-) and got (+):\n%s", size, diff)
		}
	}
	page, err := s.Clients(t.Context(), engine.ClientFilter{}, 0, 0)
	if err != nil || len(page.Clients) != 100 {
		t.Errorf("without a limit: got %d clients and %v, want 100", len(page.Clients), err)
	}
	// The next page does not depend on a client that it follows, and has no client that is stored meanwhile.
	if err := s.DeleteClient(t.Context(), want[99]); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, newClient("later"))
	page, err = s.Clients(t.Context(), engine.ClientFilter{}, page.Next, 1000)
	if err != nil || len(page.Clients) != 57 || page.Clients[0].ID != want[100] || page.Next != 0 {
		t.Errorf("the next page: got %d clients, next %d and %v; want the 57 from %s", len(page.Clients), page.Next,
			err,
			want[100])
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
		if diff := gocmp.Diff(c.want, ids(t, s, engine.ClientFilter{Query: c.q})); diff != "" {
			t.Errorf("searching %q, want (-) and got (+):\n%s", c.q, diff)
		}
	}
}

// everywhere returns a filter with one value in all of its texts.
func everywhere(text string) engine.ClientFilter {
	return engine.ClientFilter{Query: text, Name: text, SoftwareID: text, TokenID: text, Issuer: text, Subject: text}
}

func testFilters(t *testing.T, database string) {
	s := open(t, database)
	day := func(d int) time.Time { return time.Date(2026, 1, d, 12, 0, 0, 123_456_000, time.UTC) }
	add := func(id string, d int, change func(*engine.Client)) {
		c := newClient(id)
		c.IssuedAt = day(d)
		change(c)
		mustAdd(t, s, c)
	}
	add("plain", 1, func(*engine.Client) {})
	add("token", 2, func(c *engine.Client) {
		c.Caller = engine.Caller{Auth: engine.AuthJWT, TokenID: "t1", IP: netip.MustParseAddr("192.0.2.7")}
	})
	add("jwt", 3, func(c *engine.Client) {
		c.Caller = engine.Caller{Auth: engine.AuthJWT, Issuer: "https://i.example", Subject: `q"1 `,
			IP: netip.MustParseAddr("2001:db8::7")}
	})
	add("jwt2", 4, func(c *engine.Client) {
		c.Caller = engine.Caller{Auth: engine.AuthJWT, Issuer: "https://i.example", Subject: `q"1`,
			IP: netip.MustParseAddr("192.0.3.7")}
	})
	add("soft", 5, func(c *engine.Client) { c.Metadata.SoftwareID, c.Metadata.ClientName = "ö-1", "Größe" })
	add("off", 6, func(c *engine.Client) { c.Status = engine.StatusDisabled })
	if err := s.MarkSeen(t.Context(), []string{"plain"}, day(7)); err != nil {
		t.Fatal(err)
	}
	network := func(p string) engine.ClientFilter { return engine.ClientFilter{Network: netip.MustParsePrefix(p)} }
	for name, c := range map[string]struct {
		f    engine.ClientFilter
		want []string
	}{
		"none": {engine.ClientFilter{}, []string{"jwt", "jwt2", "off", "plain", "soft", "token"}},
		"active": {engine.ClientFilter{Status: engine.StatusActive},
			[]string{"jwt", "jwt2", "plain", "soft", "token"}},
		"disabled":          {engine.ClientFilter{Status: engine.StatusDisabled}, []string{"off"}},
		"software ID":       {engine.ClientFilter{SoftwareID: "ö-1"}, []string{"soft"}},
		"name":              {engine.ClientFilter{Name: "größe"}, []string{"soft"}},
		"ID as name":        {engine.ClientFilter{Name: "soft"}, []string{}},
		"token":             {engine.ClientFilter{TokenID: "t1"}, []string{"token"}},
		"issuer":            {engine.ClientFilter{Issuer: "https://i.example"}, []string{"jwt", "jwt2"}},
		"subject":           {engine.ClientFilter{Issuer: "https://i.example", Subject: `q"1`}, []string{"jwt2"}},
		"subject and space": {engine.ClientFilter{Subject: `q"1 `}, []string{"jwt"}},
		"another issuer":    {engine.ClientFilter{Issuer: "https://j.example", Subject: `q"1`}, []string{}},
		"network":           {network("192.0.2.0/23"), []string{"jwt2", "token"}},
		"address":           {network("192.0.2.7/32"), []string{"token"}},
		"IPv6 network":      {network("2001:db8::/32"), []string{"jwt"}},
		"from a time":       {engine.ClientFilter{RegisteredAfter: day(5)}, []string{"off", "soft"}},
		"before a time":     {engine.ClientFilter{RegisteredBefore: day(3)}, []string{"plain", "token"}},
		"between": {engine.ClientFilter{RegisteredAfter: day(3).Add(time.Microsecond), RegisteredBefore: day(5)},
			[]string{"jwt2"}},
		"never seen": {engine.ClientFilter{NeverSeen: true, RegisteredBefore: day(3)}, []string{"token"}},
	} {
		if diff := gocmp.Diff(c.want, ids(t, s, c.f)); diff != "" {
			t.Errorf("%s, want (-) and got (+):\n%s", name, diff)
		}
		if got := inPages(t, s, c.f, 1); len(got) != len(c.want) {
			t.Errorf("%s, in pages of one: got %q, want %q", name, got, c.want)
		}
	}
}
