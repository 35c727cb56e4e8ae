package store

import (
	"cmp"
	"context"
	"sync"
)

// A documentRoom bounds the stored documents. Anyone may name URLs, so the longest unused documents go first. Rows that
// are held, because they are pinned or disabled, stay and do not count: only administrators make them.
type documentRoom struct {
	most int64 // documents of this database

	mu   sync.Mutex
	left int64 // documents that this process may add before it counts again
}

// DefaultMaxDocuments is the default of Config.MaxDocuments.
const DefaultMaxDocuments = 100_000

func newDocumentRoom(most int) *documentRoom {
	return &documentRoom{most: int64(cmp.Or(most, DefaultMaxDocuments))}
}

const (
	countDocuments = "SELECT COUNT(*) FROM documents WHERE held = 0"
	// deleteUnused names the table twice, since MySQL reads no table that it deletes from, except in a derived table.
	deleteUnused = "DELETE FROM documents WHERE rowid IN (SELECT rowid FROM (SELECT rowid FROM documents WHERE held = 0 " +
		"ORDER BY used_at LIMIT ?) AS unused)"
)

// mostDeleted bounds the documents that one call deletes beyond the room that it makes.
const mostDeleted = 1000

// makeRoom makes room for a document. To count takes long, so it is done for a hundredth of the documents at once: each
// other server on the database may exceed the bound by that.
func (r *documentRoom) makeRoom(ctx context.Context, s *Store) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left > 0 {
		r.left--
		return nil
	}
	var n int64
	if err := s.reader.WithContext(ctx).Raw(countDocuments).Scan(&n).Error; err != nil {
		return err
	}
	share := max(1, r.most/100)
	if excess := n + share - r.most; excess > 0 {
		// After the bound was lowered, the excess would take longer than a request may: it goes in parts.
		if err := s.writer.WithContext(ctx).Exec(deleteUnused, min(excess, share+mostDeleted)).Error; err != nil {
			return err
		}
	}
	r.left = share - 1
	return nil
}
