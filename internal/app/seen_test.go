package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Clients that are seen within 100 ms of the first are marked in one call, at the time of the latest use, and the rest
// at the end.
func TestSeenClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards calls, times and failure
		var calls [][]string
		var times []time.Duration
		var failure error
		var log bytes.Buffer
		began := time.Now()
		s := newSeenClients(func(_ context.Context, ids []string, at time.Time) error {
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(ids)
			calls, times = append(calls, ids), append(times, at.Sub(began))
			return failure
		}, slog.New(slog.NewTextHandler(&log, nil)), nil)
		want := func(n int, at time.Duration, ids ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(calls) != n || n > 0 && (!slices.Equal(calls[n-1], ids) || times[n-1] != at) {
				t.Fatalf("got the calls %v at %v, want %d, the last with %v at %v", calls, times, n, ids, at)
			}
		}
		s.add("a", began)
		time.Sleep(seenDelay / 2)
		s.add("b", time.Now())
		s.add("a", began)
		want(0, 0)
		time.Sleep(seenDelay / 2)
		want(1, seenDelay/2, "a", "b")
		time.Sleep(time.Hour)
		want(1, seenDelay/2, "a", "b")

		fail := func(err error) { mu.Lock(); failure = err; mu.Unlock() }
		fail(errors.New("locked"))
		s.add("c", time.Now())
		time.Sleep(seenDelay)
		want(2, time.Hour+seenDelay, "c")
		if !strings.Contains(log.String(), "locked") {
			t.Errorf("the failure is not logged: %s", &log)
		}
		fail(nil)
		s.add("d", time.Now())
		s.close()
		want(3, time.Hour+2*seenDelay, "d")
		time.Sleep(time.Hour)
		want(3, time.Hour+2*seenDelay, "d")
	})
}

// No more than 10,000 clients wait, so that a database that hangs does not fill the memory.
func TestSeenClientsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		marked := 0
		s := newSeenClients(func(_ context.Context, ids []string, _ time.Time) error {
			marked += len(ids)
			return nil
		}, slog.New(slog.DiscardHandler), nil)
		for i := range maxSeen + 1 {
			s.add(strconv.Itoa(i), time.Now())
		}
		s.close()
		if marked != maxSeen {
			t.Errorf("got %d clients, want %d", marked, maxSeen)
		}
	})
}

// Clients are marked at the time of a use of theirs, also after the clock was set back.
func TestSeenAfterTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		s := newSeenClients(func(_ context.Context, _ []string, at time.Time) error {
			times = append(times, at)
			return nil
		}, slog.New(slog.DiscardHandler), nil)
		wrong := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		right := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s.add("a", wrong)
		s.flush()
		s.add("a", right)
		s.close()
		if want := []time.Time{wrong, right}; !slices.Equal(times, want) {
			t.Errorf("got %v, want %v", times, want)
		}
	})
}
