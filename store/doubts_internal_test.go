package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/engine"
	"registrar/internal/guard"
	"registrar/store/groupcommit"
)

// awaitSettled returns when no client is in doubt.
func awaitSettled(t *testing.T, s *Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); s.InDoubt() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d are still in doubt", s.InDoubt())
		}
	}
}

// While as many clients are in doubt as there may be, no other registers. Those whose batch has failed for certain
// leave the doubt at once, whether the batch or its caller was first.
func TestDoubtsAreBounded(t *testing.T) {
	s := openSQLite(t)
	client := func(id string) *engine.Client {
		return &engine.Client{ID: id, RegistrationID: uuid.New(), IssuedAt: time.Now()}
	}
	row := func(id string) *clientRow {
		r, err := s.newClientRow(t.Context(), client(id))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	refused := errors.New("refused")
	rows := map[*clientRow]error{}
	for i := range maxDoubts {
		r := row(fmt.Sprint("doubtful-", i))
		rows[r] = nil
		if i%2 == 0 {
			rows[r] = refused
		}
		if err := s.AddClient(t.Context(), client(fmt.Sprint("before-", i%4, "-", i))); err != nil {
			t.Fatalf("with %d in doubt: %v", i, err)
		}
		s.doubts.left(r)
	}
	if err := s.AddClient(t.Context(), client("other")); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("with %d in doubt: got %v, want %v", s.InDoubt(), err, engine.ErrUnavailable)
	}
	for r, result := range rows {
		s.doubts.ended(r, result)
	}
	if n := s.InDoubt(); n > maxDoubts/2 {
		t.Errorf("%d are in doubt after half have failed", n)
	}
	awaitSettled(t, s)
	if err := s.AddClient(t.Context(), client("other")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	early := row("early")
	s.doubts.ended(early, refused)
	s.doubts.left(early)
	if s.InDoubt() != 0 || len(s.doubts.early)+len(s.doubts.running)+len(s.doubts.open)+len(s.doubts.byID) != 0 {
		t.Errorf("left over: %+v", s.doubts)
	}
}

// A batch that panics after its statement was run puts its client in doubt, which is then removed.
func TestBatchThatPanics(t *testing.T) {
	s := openSQLite(t)
	healthy := s.batches
	s.batches = groupcommit.New(groupcommit.Config[*clientRow]{
		Commit: func(ctx context.Context, rows []*clientRow) []error {
			panic(fmt.Sprint("after ", s.createRows(ctx, rows)))
		},
		Guard: &guard.Guard{Logger: slog.New(slog.DiscardHandler)},
	})
	c := &engine.Client{ID: "panicked", RegistrationID: uuid.New(), IssuedAt: time.Now()}
	if err := s.AddClient(t.Context(), c); err == nil {
		t.Fatal("got no error")
	}
	awaitSettled(t, s)
	if removed, absent := s.Settled(); removed != 1 || absent != 0 {
		t.Errorf("%d rows were removed and %d absent, want 1 and 0", removed, absent)
	}
	s.batches = healthy
	if err := s.AddClient(t.Context(), c); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
