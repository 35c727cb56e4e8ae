package app

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A lockedBuffer may be read while timers write to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func textLog(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }

// Each line is written once and whole, in order; the first one and warnings at once.
func TestGatheredLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		logger, flush := BufferLog(&out, textLog, nil)
		has := func(want ...string) {
			t.Helper()
			var got []string
			for line := range strings.Lines(out.String()) {
				_, message, _ := strings.Cut(strings.TrimSpace(line), "msg=")
				got = append(got, message)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		logger.Info("first")
		has("first")
		logger.Info("second")
		logger.Info("third")
		has("first")
		time.Sleep(gatherFor + 1)
		has("first", "second", "third")
		logger.Info("fourth")
		logger.With("a", 1).WithGroup("g").Warn("fifth")
		has("first", "second", "third", "fourth", "fifth a=1")
		logger.Info("sixth")
		flush()
		has("first", "second", "third", "fourth", "fifth a=1", "sixth")
		time.Sleep(3 * gatherFor)
		logger.Info("seventh") // after a pause
		has("first", "second", "third", "fourth", "fifth a=1", "sixth", "seventh")
		time.Sleep(3 * gatherFor)
	})
}

// A stuckWriter reports each write, and ends it when it is told to.
type stuckWriter struct{ entered, leave chan struct{} }

func (w stuckWriter) Write(p []byte) (int, error) {
	w.entered <- struct{}{}
	<-w.leave
	return len(p), nil
}

// While a disk takes long to write, lines are added without waiting for it.
func TestGatheredLogDoesNotWaitForTheDisk(t *testing.T) {
	w := stuckWriter{make(chan struct{}), make(chan struct{})}
	logger, flush := BufferLog(w, textLog, nil)
	go func() {
		logger.Info("first")
		logger.Info("second")
	}()
	<-w.entered // with the first line
	w.leave <- struct{}{}
	<-w.entered // by the timer, with the second
	added := make(chan struct{})
	go func() { logger.Info("third"); close(added) }()
	select {
	case <-added:
	case <-time.After(time.Minute):
		t.Fatal("a line waits for those before it to be written")
	}
	flushed := make(chan struct{})
	go func() { flush(); close(flushed) }()
	w.leave <- struct{}{}
	<-w.entered // with the third
	w.leave <- struct{}{}
	<-flushed
}

// Under load no line is lost or cut.
func TestGatheredLogUnderLoad(t *testing.T) {
	var out lockedBuffer
	logger, flush := BufferLog(&out, textLog, nil)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				logger.Info("line", "id", fmt.Sprintf("%d-%d", worker, i))
			}
		})
	}
	wg.Wait()
	flush()
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		_, id, found := strings.Cut(strings.TrimSpace(line), "msg=line id=")
		if !found || seen[id] {
			t.Fatalf("line %q is cut or written twice", line)
		}
		seen[id] = true
	}
	if len(seen) != 8000 {
		t.Errorf("%d lines were written, want 8000", len(seen))
	}
}
