package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"registrar/scripts"
	"registrar/store"
)

const (
	// lookInterval is how often a heart looks whether something is due.
	lookInterval = 250 * time.Millisecond
	// checkInterval is the time between two checks whether the database takes writes.
	checkInterval = time.Second
	// rowInterval is the time between two writes of the row of a replica that has not changed.
	rowInterval = 5 * time.Second
	// unwrittenLimit is how long the database may take no write until the server is not ready: less than three seconds
	// after the database stopped.
	unwrittenLimit = 2500 * time.Millisecond
	// schemaInterval is the time between two checks whether this program works with the schema. Between two failing checks
	// of writing it is shorter: another program may have taken the table away.
	schemaInterval = 5 * time.Second
	// dropInterval is the time between two searches for the rows of dead replicas.
	dropInterval = time.Minute
	// A check that is not answered gets twice the time at the next attempt, so that few of them wait in a database that
	// hangs.
	firstPatience, lastPatience = time.Second, 8 * time.Second
	// removeTimeout bounds the removal of the row at the end.
	removeTimeout = time.Second
)

// A heart keeps the row of this server among the replicas up to date, and knows by that whether the database takes
// writes. It also notices if another program has migrated the schema beyond what this one works with.
type heart struct {
	store    *store.Store
	describe func() scripts.Replica
	log      *slog.Logger

	patience       time.Duration // of the next attempt
	checked        time.Time     // when the last attempt ended
	wrote, dropped time.Time     // when the row was last written, and rows of dead replicas last dropped
	examined       time.Time     // when the schema was last checked
	row            scripts.Replica

	mu      sync.Mutex
	begun   bool
	written time.Time // when the database last took a write
	failed  error     // why it does not any more; nil if the last attempt succeeded
	misfit  error     // why this program does not work with the schema; nil if it does
}

// begin makes the first attempt. From then on, problem tells whether the database takes writes.
func (h *heart) begin(ctx context.Context) {
	h.patience, h.examined = firstPatience, time.Now() // the schema was checked when the database was opened
	h.mu.Lock()
	h.begun, h.written = true, time.Now()
	h.mu.Unlock()
	h.beat(ctx)
}

// follow beats until ctx is done.
func (h *heart) follow(ctx context.Context) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.beat(ctx)
		}
	}
}

// beat does what is due: it writes the row, or checks whether the database takes writes.
func (h *heart) beat(ctx context.Context) {
	r, now := h.describe(), time.Now()
	attempt := h.store.CheckWrite
	switch {
	case now.Sub(h.wrote) >= rowInterval || !same(r, h.row):
		attempt = func(ctx context.Context, r scripts.Replica) error {
			err := h.store.Beat(ctx, r)
			if err == nil {
				h.wrote, h.row = time.Now(), r
			}
			return err
		}
		if h.failing() && now.Sub(h.checked) < checkInterval {
			return
		}
	case now.Sub(h.checked) < checkInterval || now.Sub(h.store.LastCommit()) < checkInterval:
		return
	}
	bounded, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	err, patience := attempt(bounded, r), h.patience
	h.patience = firstPatience
	if err != nil && bounded.Err() != nil {
		h.patience = min(2*patience, lastPatience)
		err = errors.New("it does not answer")
	}
	h.checked = time.Now()
	if ctx.Err() != nil {
		return
	}
	h.note(err)
	if err != nil || now.Sub(h.examined) >= schemaInterval {
		h.examine(bounded)
	}
	if err == nil && now.Sub(h.dropped) >= dropInterval {
		h.dropped = now
		if err := h.store.DropDeadReplicas(bounded); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "the rows of dead replicas stay", "error", err)
		}
	}
}

// same reports whether a row says what another says.
func same(a, b scripts.Replica) bool {
	number := func(r scripts.Replica) int64 {
		if r.Deployment == nil {
			return -1
		}
		return *r.Deployment
	}
	return number(a) == number(b) && a.Problem == b.Problem
}

func (h *heart) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed = err; err == nil {
		h.written = time.Now()
	}
}

// examine checks whether this program works with the schema. While the database does not tell, the last answer counts.
func (h *heart) examine(ctx context.Context) {
	err := h.store.CheckSchema(ctx)
	if err != nil && !errors.Is(err, store.ErrSchema) {
		return
	}
	h.examined = time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.misfit = err
}

// unfit returns why this program does not work with the schema, nil if it does.
func (h *heart) unfit() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.misfit
}

func (h *heart) failing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed != nil
}

// hasBegun reports whether problem can tell.
func (h *heart) hasBegun() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.begun
}

// age returns how long ago the database last took a write, as far as this server knows; 0 before begin.
func (h *heart) age() time.Duration {
	h.mu.Lock()
	begun, last := h.begun, h.written
	h.mu.Unlock()
	if !begun {
		return 0
	}
	if commit := h.store.LastCommit(); commit.After(last) {
		last = commit
	}
	return time.Since(last)
}

// problem returns nil while the database takes writes and its schema fits this program, else why not. It does not wait
// for the database.
func (h *heart) problem() error {
	age := h.age()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.misfit != nil:
		return h.misfit
	case age < unwrittenLimit:
		return nil
	case h.failed == nil:
		return errors.New("the database cannot be written: it does not answer")
	}
	return fmt.Errorf("the database cannot be written: %w", h.failed)
}

// end removes the row, after follow has returned.
func (h *heart) end(ctx context.Context) {
	if !h.hasBegun() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := h.store.RemoveReplica(ctx); err != nil {
		h.log.WarnContext(ctx, "the row of this replica stays for an hour", "error", err)
	}
}
