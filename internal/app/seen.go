package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"registrar/internal/guard"
)

const (
	// seenDelay is how long the first client that is to be marked as seen waits for others, which share its transaction.
	seenDelay = 100 * time.Millisecond
	// maxSeen bounds the clients that wait. Others are marked at their next use.
	maxSeen = 10_000
	// seenTimeout bounds a transaction, so that a database that hangs does not delay the end of the program.
	seenTimeout = 3 * time.Second
)

// A seenClients gathers the clients whose secret was verified, and marks them as seen together. It is safe for
// concurrent use.
type seenClients struct {
	mark  func(ctx context.Context, ids []string, at time.Time) error
	log   *slog.Logger
	timer *time.Timer

	flushing sync.Mutex // held while clients are being marked

	mu  sync.Mutex
	ids map[string]struct{}
	at  time.Time // the latest use of ids; zero if there are none
}

func newSeenClients(
	mark func(ctx context.Context, ids []string, at time.Time) error, log *slog.Logger, g *guard.Guard,
) *seenClients {
	s := &seenClients{mark: mark, log: log, ids: map[string]struct{}{}}
	s.timer = g.AfterFunc(time.Hour, guard.Batches, s.flush)
	s.timer.Stop()
	return s
}

// add has a client marked that was in use at a time. It does not wait for the database.
func (s *seenClients) add(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) == maxSeen {
		return
	}
	if len(s.ids) == 0 {
		s.timer.Reset(seenDelay)
	}
	s.ids[id] = struct{}{}
	if at.After(s.at) {
		s.at = at
	}
}

// flush marks the clients that wait. Those that the database does not take are marked at their next use.
func (s *seenClients) flush() {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	ids, at := slices.Collect(maps.Keys(s.ids)), s.at
	clear(s.ids)
	s.at = time.Time{} // the clock may have been set back meanwhile
	s.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), seenTimeout)
	defer cancel()
	if err := s.mark(ctx, ids, at); err != nil {
		s.log.ErrorContext(ctx, "marking clients as seen", "clients", len(ids), "error", err)
	}
}

// close marks the clients that wait, and returns when all are marked. add must not be called any more.
func (s *seenClients) close() {
	s.timer.Stop()
	s.flush()
}
