package store_test

import (
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
		first.Caller = engine.Caller{Auth: engine.AuthJWT, TokenID: "t"}
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
