package store_test

import (
	"net/netip"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/store"
)

// A page of a filtered list is looked for in 10,000 rows, whatever the table has, and no query sorts or scans the
// table.
func TestClientsExamineABoundedRange(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, database string) {
		s := open(t, store.Config{Database: database})
		first := newClient("first")
		first.Caller = engine.Caller{Auth: engine.AuthJWT, TokenID: "t", IP: netip.MustParseAddr("192.0.2.7")}
		first.Metadata.ClientName = "Only"
		if err := s.AddClient(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if err := s.AddClient(t.Context(), newClient("second")); err != nil {
			t.Fatal(err)
		}
		for range 13 { // 16,384 clients, half of them of the token
			if err := s.DoubleClients(); err != nil {
				t.Fatal(err)
			}
		}
		only := engine.ClientFilter{Name: "only", TokenID: "t"} // the copies have no name
		page, err := s.Clients(t.Context(), only, 0, 10)
		if err != nil || len(page.Clients) != 0 || page.Next == 0 {
			t.Errorf("the first page: got %d clients, next %d and %v; want none and a next", len(page.Clients),
				page.Next,
				err)
		}
		page, err = s.Clients(t.Context(), only, page.Next, 10)
		if err != nil || len(page.Clients) != 1 || page.Clients[0].ID != "first" || page.Next != 0 {
			t.Errorf("the second page: got %d clients, next %d and %v; want the first one", len(page.Clients),
				page.Next,
				err)
		}
		for name, half := range map[string]engine.ClientFilter{
			"token":   {TokenID: "t"},
			"network": {Network: netip.MustParsePrefix("192.0.2.0/24")},
		} {
			if got := distinct(t, s, half, 700); got != 8192 {
				t.Errorf("%s: the pages have %d clients, want half of 16,384", name, got)
			}
		}
		plans, err := s.ListPlans()
		if err != nil {
			t.Fatal(err)
		}
		for query, plan := range plans {
			for _, bad := range []string{"Using filesort", "TEMP B-TREE", " ALL ", "Table scan"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s\nis not a range of the primary key:\n%s", query, plan)
				}
			}
			t.Logf("%.40s…: %s", query, plan)
		}
	})
}

// distinct returns how many clients the pages of a filter have, of which each has limit clients but the last. No client
// may be in two of them.
func distinct(t *testing.T, s *store.Store, f engine.ClientFilter, limit int) int {
	t.Helper()
	seen := map[string]bool{}
	for before := int64(0); ; {
		page, err := s.Clients(t.Context(), f, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if page.Next != 0 && len(page.Clients) != limit {
			t.Errorf("the page before %d has %d clients, want %d", before, len(page.Clients), limit)
		}
		for _, c := range page.Clients {
			if seen[c.ID] {
				t.Fatalf("client %s is in two pages", c.ID)
			}
			seen[c.ID] = true
		}
		if before = page.Next; before == 0 {
			return len(seen)
		}
	}
}
