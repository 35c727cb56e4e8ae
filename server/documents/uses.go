package documents

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// useInterval is the time between two writes of the uses of documents, and of the use of one document.
	useInterval = time.Minute
	// maxUses bounds the documents whose use is not written. Uses of others are not noted: they only keep documents from
	// being deleted for room.
	maxUses = 10_000
	// usesWritten is how many uses one transaction writes.
	usesWritten = 100
	// flushTimeout bounds the writes at the end.
	flushTimeout = 2 * time.Second
)

// uses notes in memory when documents were used.
type uses struct {
	mu   sync.Mutex
	seen map[string]time.Time // last use, by URL
}

// note notes a use at a time, unless one is stored that was less than useInterval before.
func (u *uses) note(url string, stored, at time.Time) {
	if at.Sub(stored) < useInterval {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, waits := u.seen[url]; waits || len(u.seen) < maxUses {
		u.seen[url] = at
	}
}

// take returns what was noted and not written.
func (u *uses) take() map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = map[string]time.Time{}
	return seen
}

// Follow writes which documents were used, once a minute, until ctx is done; then it writes what is left.
func (r *Resolver) Follow(ctx context.Context) {
	ticker := time.NewTicker(useInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.writeUses(ctx)
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			r.writeUses(ctx)
			return
		}
	}
}

// writeUses writes the uses that were noted, all as of the earliest of their part. What the database does not take is
// lost.
func (r *Resolver) writeUses(ctx context.Context) {
	seen := r.uses.take()
	for part := range slices.Chunk(slices.Sorted(maps.Keys(seen)), usesWritten) {
		at := seen[part[0]]
		for _, url := range part {
			if seen[url].Before(at) {
				at = seen[url]
			}
		}
		if err := r.config.Store.UseDocuments(ctx, part, at); err != nil && ctx.Err() == nil {
			r.config.Logger.WarnContext(ctx, "noting the use of metadata documents", "documents", len(part), "error", err)
		}
	}
}
