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
