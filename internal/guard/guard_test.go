package guard_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/guard"
)

// A panic is returned, counted where it happened, and logged with its stack.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	g := &guard.Guard{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	if err := g.Run(guard.Keys, func() {}); err != nil || g.Panics(guard.Keys) != 0 {
		t.Errorf("without a panic: got %v and %d panics", err, g.Panics(guard.Keys))
	}
	err := g.Run(guard.Keys, func() { panic(io.ErrUnexpectedEOF) })
	caught, ok := errors.AsType[*guard.PanicError](err)
	if !ok || caught.Place != guard.Keys || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want the panic", err)
	}
	if g.Panics(guard.Keys) != 1 || g.Panics(guard.Log) != 0 {
		t.Errorf("%d and %d panics, want 1 and 0", g.Panics(guard.Keys), g.Panics(guard.Log))
	}
	for _, want := range []string{"where=keys", "unexpected EOF", "guard_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %q: %s", want, out.String())
		}
	}
}

// What starts goroutines and timers catches their panics, also without a Guard, and where the logger itself panics.
func TestGoroutines(t *testing.T) {
	previous := slog.Default()
	t.Cleanup(func() { slog.SetDefault(previous) })
	slog.SetDefault(slog.New(slog.DiscardHandler))
	for name, g := range map[string]*guard.Guard{
		"guard":         {Logger: slog.New(slog.DiscardHandler)},
		"nil":           nil,
		"broken logger": {Logger: slog.New(slog.NewTextHandler(brokenWriter{}, nil))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wg sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				runs := 0
				fails := func() { panic("on purpose") }
				g.Go(guard.Log, fails)
				g.GoIn(&wg, guard.Log, fails)
				g.AfterFunc(time.Second, guard.Log, fails)
				g.Follow(ctx, &wg, guard.Log, func(ctx context.Context) {
					if runs++; runs < 3 {
						panic("on purpose")
					}
					<-ctx.Done()
				})
				time.Sleep(time.Minute)
				cancel()
				wg.Wait()
				if runs != 3 {
					t.Errorf("Follow ran %d times, want 3", runs)
				}
				if g != nil && g.Panics(guard.Log) != 5 {
					t.Errorf("%d panics, want 5", g.Panics(guard.Log))
				}
			})
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { panic("the log is broken") }

func TestPlacesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range guard.Places() {
		if p.String() == "" || seen[p.String()] {
			t.Errorf("place %d has the name %q", p, p)
		}
		seen[p.String()] = true
	}
}
