package store_test

import (
	"strings"
	"testing"

	"registrar/store"
)

// To read a page takes no longer where there are many clients: no query looks at all of them, or sorts them.
func TestLatestClientsUseTheIndex(t *testing.T) {
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
