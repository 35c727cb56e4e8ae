package store

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
	"registrar/internal/guard"
)

const (
	// maxDoubts bounds the clients that are in doubt. While there are more, no client registers.
	maxDoubts = 1024
	// settleTimeout bounds one round of settling.
	settleTimeout = 5 * time.Second
	// settlePause is the first pause between two rounds; it doubles up to maxSettlePause.
	settlePause    = 50 * time.Millisecond
	maxSettlePause = time.Second
)

// doubts are the clients whose AddClient has returned an error before the outcome of their statement was known: their
// rows may be stored, or be stored later. One goroutine removes the rows, so that what was not acknowledged is not
// stored. It knows the clients only in memory: a row stays if the process ends before.
type doubts struct {
	store *Store
	pool  *preparedPool // for the list of processes
	lost  *lostConns    // nil for SQLite
	log   *slog.Logger
	guard *guard.Guard

	count   atomic.Int64  // of all clients in doubt: the length of running, and of open
	removed atomic.Uint64 // clients whose row was stored and then removed
	absent  atomic.Uint64 // clients whose row was not stored

	mu       sync.Mutex
	running  map[*clientRow]*doubt // their batch is still being written
	early    map[*clientRow]error  // results of batches that ended just before left was called
	open     []*doubt              // their statement has ended on this side
	byID     map[string]int        // number of clients in doubt by ID
	since    time.Time             // when the first of the clients in doubt came to be so
	settling bool                  // a goroutine settles
	closed   bool
	stop     chan struct{} // closed by close
}

// A doubt is a client that is in doubt.
type doubt struct {
	id           string
	registration []byte
	token        string    // initial access token of limited uses; "" means none
	began        time.Time // after its statement was lost
	stored       bool      // the statement is known to have taken effect
	removed      bool      // the row was found and removed
	absences     int       // times that the row was looked for in vain
}

func newDoubts(s *Store, b *backend, g *guard.Guard) *doubts {
	d := &doubts{
		store: s, pool: s.pools[len(s.pools)-1], lost: b.lost, log: b.log, guard: g,
		running: map[*clientRow]*doubt{}, early: map[*clientRow]error{}, byID: map[string]int{},
		stop: make(chan struct{}),
	}
	if d.lost != nil {
		d.lost.keepWhile(func() bool { return d.count.Load() > 0 })
	}
	return d
}

// admit returns an error if no client with this ID may be stored, because one is in doubt or too many are.
func (d *doubts) admit(id string) error {
	if d.count.Load() == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.byID[id] > 0:
		return fmt.Errorf("%w: an earlier registration with this ID is in doubt", engine.ErrUnavailable)
	case d.count.Load() >= maxDoubts:
		return fmt.Errorf("%w: %d registrations are in doubt", engine.ErrUnavailable, maxDoubts)
	}
	return nil
}

// begin takes a client whose outcome is unknown. token is the token whose use the client takes; "" means none.
func (d *doubts) begin(row *clientRow, token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(d.enter(row, token))
}

// left takes a client whose batch goes on without its caller.
func (d *doubts) left(row *clientRow) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.enter(row, "")
	if result, ended := d.early[row]; ended {
		delete(d.early, row)
		d.decide(one, result)
		return
	}
	d.running[row] = one
}

// ended takes the result of a batch for a client that left takes, before or after.
func (d *doubts) ended(row *clientRow, result error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, left := d.running[row]
	if !left {
		d.early[row] = result
		return
	}
	delete(d.running, row)
	d.decide(one, result)
}

// enter counts a client in doubt. d.mu is held.
func (d *doubts) enter(row *clientRow, token string) *doubt {
	one := &doubt{id: row.ClientID, registration: row.Registration, token: token, began: time.Now()}
	if d.count.Add(1) == 1 {
		d.since = one.began
		d.log.Warn("registrations are in doubt: the database has not answered in time; what it stores of them " +
			"will be removed")
	}
	d.byID[one.id]++
	return one
}

// decide continues with the result of a client's batch. d.mu is held.
func (d *doubts) decide(one *doubt, result error) {
	if result != nil && !maybeStored(result) {
		d.leave(one)
		return
	}
	one.stored = result == nil
	one.began = time.Now()
	d.settle(one)
}

// settle adds a client whose statement has ended to those that the goroutine settles. d.mu is held.
func (d *doubts) settle(one *doubt) {
	d.open = append(d.open, one)
	if !d.settling && !d.closed {
		d.settling = true
		d.guard.Go(guard.Batches, d.run)
	}
}

// leave ends the doubt about a client. d.mu is held.
func (d *doubts) leave(one *doubt) {
	if d.byID[one.id]--; d.byID[one.id] == 0 {
		delete(d.byID, one.id)
	}
	if one.removed {
		d.removed.Add(1)
	} else {
		d.absent.Add(1)
	}
	if d.count.Add(-1) == 0 {
		d.log.Info("no registrations are in doubt any more", "seconds", time.Since(d.since).Seconds(),
			"removed", d.removed.Load(), "absent", d.absent.Load())
	}
}

// run settles clients until none is open.
func (d *doubts) run() {
	finished := false
	defer func() {
		if !finished { // it panics: the next doubt starts another goroutine
			d.mu.Lock()
			defer d.mu.Unlock()
			d.settling = false
		}
	}()
	for pause := settlePause; ; pause = min(2*pause, maxSettlePause) {
		d.mu.Lock()
		open := slices.Clone(d.open)
		if len(open) == 0 || d.closed {
			d.settling, finished = false, true
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		settled, err := d.round(open)
		if err != nil {
			d.log.Debug("settling registrations that are in doubt", "open", len(open), "error", err)
		}
		if settled > 0 {
			pause = settlePause
		}
		select {
		case <-time.After(pause):
		case <-d.stop:
		}
	}
}

// round removes the rows of the clients whose statements can no longer take effect, and returns how many it settled.
func (d *doubts) round(open []*doubt) (settled int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	oldest, unsure := time.Time{}, error(nil)
	if d.lost != nil {
		oldest, unsure = d.lost.oldest(ctx, d.pool.DB)
	}
	for _, one := range open {
		if !one.stored && (unsure != nil || !oldest.IsZero() && !one.began.Before(oldest)) {
			continue // a connection is open over which its statement may have been sent
		}
		removed, err := d.store.removeRegistered(ctx, one)
		if err != nil {
			return settled, err
		}
		if d.concludes(ctx, one, removed) {
			settled++
		}
	}
	return settled, unsure
}

// concludes ends the doubt about a client if its row is certainly gone: it was known to be stored and was removed, or
// was looked for twice in vain. It returns whether that is so.
func (d *doubts) concludes(ctx context.Context, one *doubt, removed bool) bool {
	if removed {
		one.removed = true
		d.log.InfoContext(ctx, "a client was removed that was stored too late", "client_id", one.id)
	} else {
		one.absences++
	}
	if !(one.stored && one.removed) && one.absences < 2 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(other *doubt) bool { return other == one })
	d.leave(one)
	return true
}

// removeRegistered removes the row of a client that was not acknowledged, and gives the use of its token back in the
// same transaction. It returns whether there was a row.
func (s *Store) removeRegistered(ctx context.Context, one *doubt) (removed bool, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		result := tx.Where("client_id = ? AND registration = ?", one.id, one.registration).Delete(&clientRow{})
		removed = result.RowsAffected > 0
		if result.Error != nil || !removed || one.token == "" {
			return result.Error
		}
		return giveUseBack(tx, one.token)
	})
	return removed, classify(ctx, err)
}

// close stops settling.
func (d *doubts) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	close(d.stop)
	if n := d.count.Load(); n > 0 {
		d.log.Warn("the database is closed while registrations are in doubt: their clients may stay, and are never seen",
			"registrations", n)
	}
}

// InDoubt returns how many clients are in doubt: AddClient has returned an error, and whether their rows are stored is
// not known yet.
func (s *Store) InDoubt() int { return int(s.doubts.count.Load()) }

// Settled returns how many clients were in doubt until their rows were removed, and until it was certain that there are
// none, since the Store was opened.
func (s *Store) Settled() (removed, absent uint64) {
	return s.doubts.removed.Load(), s.doubts.absent.Load()
}
