package store_test

import (
	"strings"
	"testing"

	"registrar/store"
)

// No query sorts all clients, so that the time for a page does not grow with their number.
func TestLatestClientsUseTheIndex(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, database string) {
		s := open(t, store.Config{Database: database})
		c := newClient("first")
		if err := s.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for range 12 { // 4,096 clients
			if err := s.DoubleClients(); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.CountClients(t.Context(), 1<<20); err != nil || n != 4096 {
			t.Fatalf("%d clients, %v", n, err)
		}
		plans, err := s.LatestPlans()
		if err != nil {
			t.Fatal(err)
		}
		for query, plan := range plans {
			for _, bad := range []string{"Using filesort", "TEMP B-TREE FOR ORDER BY"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s\nsorts all clients:\n%s", query, plan)
				}
			}
		}
	})
}
