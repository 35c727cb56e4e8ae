package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"registrar/engine"
)

// latestPage is how many clients are read at once: with the largest metadata that there is, 25 MiB.
const latestPage = 100

// The clients by age. A writer's sequence orders only what that writer wrote, so the time decides, and the ID among those
// of one microsecond. A page's IDs are found first, in the index on issued_at alone: asked for whole rows at once,
// MariaDB sorts the table.
const (
	latestFirst = latestRows + "(SELECT client_id FROM clients" + latestOrder
	latestNext  = latestRows + "(SELECT client_id FROM clients WHERE issued_at <= ? AND (issued_at < ? OR client_id < ?)" + latestOrder
	latestRows  = "SELECT clients.* FROM clients JOIN "
	latestOrder = " ORDER BY issued_at DESC, client_id DESC LIMIT ?) AS page ON clients.client_id = page.client_id"
	latestCount = "SELECT COUNT(*) FROM (SELECT issued_at FROM clients ORDER BY issued_at DESC LIMIT ?) AS latest"
)

// LatestClients returns the last n clients, the newest first. It reads them a page at a time and holds nothing between
// two pages: what is deleted meanwhile may be left out. An error is the last that it returns.
func (s *Store) LatestClients(ctx context.Context, n int) iter.Seq2[*engine.Client, error] {
	return func(yield func(*engine.Client, error) bool) {
		var last *clientRow
		for left := n; left > 0; {
			rows, err := s.latest(ctx, last)
			if err != nil {
				yield(nil, fmt.Errorf("reading the latest clients: %w", classify(ctx, err)))
				return
			}
			for _, row := range rows[:min(len(rows), left)] {
				c, err := row.client()
				if err != nil {
					yield(nil, fmt.Errorf("reading the latest clients: %w", err))
					return
				}
				if !yield(c, nil) {
					return
				}
			}
			if len(rows) < latestPage {
				return
			}
			left -= len(rows)
			last = rows[len(rows)-1]
		}
	}
}

// latest returns the page of clients before one, the newest first; nil stands for the end.
func (s *Store) latest(ctx context.Context, before *clientRow) (rows []*clientRow, err error) {
	db := s.reader.WithContext(ctx).Raw(latestFirst, latestPage)
	if before != nil {
		at := before.IssuedAt.UTC()
		db = s.reader.WithContext(ctx).Raw(latestNext, at, at, before.ClientID, latestPage)
	}
	err = db.Scan(&rows).Error
	slices.SortFunc(rows, func(a, b *clientRow) int { // a join has no order
		return cmp.Or(b.IssuedAt.Compare(a.IssuedAt), strings.Compare(b.ClientID, a.ClientID))
	})
	return rows, err
}

// CountClients returns how many clients there are, but no more than limit: it counts no further.
func (s *Store) CountClients(ctx context.Context, limit int) (n int, err error) {
	if err := s.reader.WithContext(ctx).Raw(latestCount, limit).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counting the clients: %w", classify(ctx, err))
	}
	return n, nil
}
