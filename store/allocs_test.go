package store_test

import (
	"fmt"
	"testing"

	"registrar/engine"
	"registrar/internal/alloctest"
	"registrar/store"
	"registrar/store/storetest"
)

// Bounds of the allocations of one call on SQLite under a cancellable context, including those of database/sql, gorm
// and the driver. They were measured, and may be lowered, but not raised.
const (
	addClientAllocations     = 26
	clientAllocations        = 156
	clientByTokenAllocations = 162
)

// TestAllocations guards the insert of a client and the look-ups of one. An observer costs no allocation.
func TestAllocations(t *testing.T) {
	t.Run("observed", func(t *testing.T) { testAllocations(t, &witness{}) })
	t.Run("unobserved", func(t *testing.T) { testAllocations(t, nil) })
}

func testAllocations(t *testing.T, o store.Observer) {
	ctx, s := t.Context(), open(t, store.Config{Database: storetest.SQLite(t), Observer: o})
	stored := newClient("stored")
	stored.TokenHash = new(engine.HashToken("token"))
	if err := s.AddClient(ctx, stored); err != nil {
		t.Fatal(err)
	}
	const runs = 200
	var fresh []*engine.Client
	for i := range alloctest.Calls(runs) {
		fresh = append(fresh, newClient(fmt.Sprint("fresh-", i)))
	}
	for _, c := range []struct {
		name string
		most float64
		call func() error
	}{
		{"AddClient", addClientAllocations, func() error {
			next := fresh[0]
			fresh = fresh[1:]
			return s.AddClient(ctx, next)
		}},
		{"Client", clientAllocations, func() error { _, err := s.Client(ctx, stored.ID); return err }},
		{"ClientByToken", clientByTokenAllocations, func() error {
			_, err := s.ClientByToken(ctx, stored.ID, *stored.TokenHash)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			alloctest.AtMost(t, c.most, runs, func() {
				if err := c.call(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
