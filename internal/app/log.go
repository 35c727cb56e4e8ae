package app

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"registrar/internal/guard"
)

const (
	gatherFor = 50 * time.Millisecond // longest time that a line is held back
	gatherMax = 128 << 10             // bytes held back before they are written
)

// A gatherer buffers log lines under load, so that a registration does not pay for a system call per line. The first
// line after a pause is written at once; lines that follow within gatherFor are written together. Lines can be added
// while others are being written, since a disk may take longer than a registration. It is safe for concurrent use.
type gatherer struct {
	to    io.Writer
	guard *guard.Guard

	writing sync.Mutex // guards to and spare; locked before mu
	spare   []byte     // buffer for the next lines

	mu    sync.Mutex
	lines []byte
	open  bool // a timer is running that will write lines
}

// Write implements [io.Writer]. Errors of writes by the timer are lost.
func (g *gatherer) Write(line []byte) (int, error) {
	g.mu.Lock()
	g.lines = append(g.lines, line...)
	first := !g.open
	g.open = true
	full := len(g.lines) >= gatherMax
	g.mu.Unlock()
	if first {
		g.guard.AfterFunc(gatherFor, guard.Log, g.tick)
	}
	if first || full {
		return len(line), g.flush()
	}
	return len(line), nil
}

func (g *gatherer) tick() {
	g.mu.Lock()
	g.open = len(g.lines) > 0
	open := g.open
	g.mu.Unlock()
	if !open {
		return
	}
	defer g.guard.AfterFunc(gatherFor, guard.Log, g.tick) // even if the writer panics
	_ = g.flush()                                         // there is no place to report a log that cannot be written
}

// Flush writes the buffered lines.
func (g *gatherer) Flush() { _ = g.flush() }

// flush writes the lines that have been added so far, after those of an earlier flush.
func (g *gatherer) flush() error {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	lines := g.lines
	g.lines, g.spare = g.spare[:0], lines
	g.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	_, err := g.to.Write(lines)
	return err
}

// A promptHandler flushes the buffer after each warning and error: the process may end next.
type promptHandler struct {
	slog.Handler
	gathered *gatherer
}

// Handle implements [slog.Handler].
func (h promptHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.gathered.Flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h promptHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptHandler{h.Handler.WithAttrs(attrs), h.gathered}
}

// WithGroup implements [slog.Handler].
func (h promptHandler) WithGroup(name string) slog.Handler {
	return promptHandler{h.Handler.WithGroup(name), h.gathered}
}

// BufferLog returns a logger whose handler writes to w through a buffer. The first line after a pause is written at
// once; lines that follow within 50 ms are written together. Warnings and errors are never held back, but of those with
// the same cause at most one a second is written; see limitHandler. flush writes the buffered lines; call it before the
// program ends.
func BufferLog(
	w io.Writer, handler func(io.Writer) slog.Handler, panics *guard.Guard,
) (logger *slog.Logger, flush func()) {
	g := &gatherer{to: w, guard: panics}
	return slog.New(newLimitHandler(promptHandler{handler(g), g})), g.Flush
}
