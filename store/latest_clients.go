package store

import (
	"context"
	"fmt"
	"iter"
	"math"

	"registrar/engine"
)

// latestPage is the number of clients in one query. With the largest metadata possible they take 25 MiB.
const latestPage = 100

// A placedClient is a row with its place in the order in which clients were stored.
type placedClient struct {
	Row   clientRow `gorm:"embedded"`
	Place int64
}

const (
	latestPlaced = "SELECT " + clientColumns + ",rowid AS place FROM clients WHERE rowid < ? " +
		"ORDER BY rowid DESC LIMIT ?"
	latestCount = "SELECT COUNT(*) FROM (SELECT 1 FROM clients LIMIT ?) AS some"
)

// LatestClients returns the last n clients that were stored, newest first. It reads them in pages and holds no lock
// between two pages, so that clients deleted meanwhile may be missing. It ends after the first error.
func (s *Store) LatestClients(ctx context.Context, n int) iter.Seq2[*engine.Client, error] {
	return func(yield func(*engine.Client, error) bool) {
		before := int64(math.MaxInt64)
		for left := n; left > 0; {
			var rows []placedClient
			if err := s.reader.WithContext(ctx).Raw(latestPlaced, before, latestPage).Scan(&rows).Error; err != nil {
				yield(nil, fmt.Errorf("reading the latest clients: %w", classify(ctx, err)))
				return
			}
			for _, row := range rows[:min(len(rows), left)] {
				c, err := s.client(ctx, &row.Row)
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
			before = rows[len(rows)-1].Place
		}
	}
}

// CountClients returns the number of clients, or limit if there are more.
func (s *Store) CountClients(ctx context.Context, limit int) (n int, err error) {
	if err := s.reader.WithContext(ctx).Raw(latestCount, limit).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counting the clients: %w", classify(ctx, err))
	}
	return n, nil
}
