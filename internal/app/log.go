package app

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// gatherFor is how long lines of a log may be gathered, and gatherMax how many bytes of them.
const (
	gatherFor = 50 * time.Millisecond
	gatherMax = 32 << 10
)

// A gatherer writes a line at once where none came shortly before. Those that follow within gatherFor are written together:
// under load a registration does not pay for a system call that only tells of it. It is safe for concurrent use.
type gatherer struct {
	to io.Writer

	mu    sync.Mutex
	lines []byte
	open  bool // a timer runs, after which lines is written
}

// Write implements [io.Writer]. An error is that of the write before, if any.
func (g *gatherer) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		g.open = true
		time.AfterFunc(gatherFor, g.tick)
		return g.to.Write(line)
	}
	if g.lines = append(g.lines, line...); len(g.lines) < gatherMax {
		return len(line), nil
	}
	return len(line), g.flush()
}

func (g *gatherer) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) == 0 {
		g.open = false
		return
	}
	_ = g.flush() // a log that cannot be written has nobody to tell
	time.AfterFunc(gatherFor, g.tick)
}

// Flush writes what was gathered.
func (g *gatherer) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.flush()
}

func (g *gatherer) flush() error {
	if len(g.lines) == 0 {
		return nil
	}
	_, err := g.to.Write(g.lines)
	g.lines = g.lines[:0]
	return err
}

// A promptHandler has warnings and errors, and what was gathered before them, written at once: the next thing that
// happens may be the end of the process.
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

// BufferLog returns a logger whose handler writes to w through a buffer: a line is written at once where none came shortly
// before, and those that follow within 50 ms are written together. Warnings and errors are never held back. flush writes
// what is in the buffer; call it before the program ends.
func BufferLog(w io.Writer, handler func(io.Writer) slog.Handler) (logger *slog.Logger, flush func()) {
	g := &gatherer{to: w}
	return slog.New(promptHandler{handler(g), g}), g.Flush
}
