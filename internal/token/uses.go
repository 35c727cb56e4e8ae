package token

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// uses notes when tokens were last used. Requests only note it in memory.
type uses struct {
	tokens AdminStore
	wake   chan struct{} // has an element when a use waits that may be written at once

	mu      sync.Mutex
	seen    map[string]time.Time // last use, by ID
	written map[string]time.Time // when a use was last written
	waiting map[string]bool      // the IDs whose use is not written
}

func newUses(tokens AdminStore) uses {
	return uses{tokens: tokens, wake: make(chan struct{}, 1), seen: map[string]time.Time{},
		written: map[string]time.Time{}, waiting: map[string]bool{}}
}

// note notes a use.
func (u *uses) note(id string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen[id] = at
	if u.waiting[id] {
		return
	}
	u.waiting[id] = true
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// last returns the last use of a token that was noted here; zero means none.
func (u *uses) last(id string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[id]
}

// follow writes uses, at most once a minute for each token, until ctx is done; then it writes what is left.
func (u *uses) follow(ctx context.Context, log *slog.Logger) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			u.write(ctx, log, u.due(0), 0)
			return
		case <-u.wake:
		case <-timer.C:
		}
		u.write(ctx, log, u.due(useInterval), useInterval)
		if next, any := u.next(); any {
			timer.Reset(time.Until(next))
		}
	}
}

// due returns the last uses that are not written, by ID, of the tokens whose use was last written at least every ago.
func (u *uses) due(every time.Duration) map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := map[string]time.Time{}
	for id := range u.waiting {
		if at, before := u.written[id]; !before || time.Since(at) >= every {
			list[id] = u.seen[id]
		}
	}
	return list
}

// next returns when the next use is due; false means that none waits.
func (u *uses) next() (at time.Time, any bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id := range u.waiting {
		if due := u.written[id].Add(useInterval); !any || due.Before(at) {
			at, any = due, true
		}
	}
	return at, any
}

// write writes uses. If the database does not take one, the next is tried a minute later.
func (u *uses) write(ctx context.Context, log *slog.Logger, list map[string]time.Time, every time.Duration) {
	for id, at := range list {
		err := u.tokens.UseAdminToken(ctx, id, at, every)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "noting the use of an admin token", "token_id", id, "error", err)
		}
		u.mu.Lock()
		u.written[id] = time.Now()
		if err == nil && u.seen[id].Equal(at) {
			delete(u.waiting, id)
		}
		u.mu.Unlock()
	}
}
