// Package guard keeps a panic from ending the process. Every goroutine and timer of the server is started through a
// [Guard], which catches what they panic with, logs it with its stack, and counts it by the [Place] where it happened.
//
// What a panic leaves half done is for the caller to end: [Guard.Run] returns it as an error.
package guard

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// A Place is a part of the server that may panic. There are few, so that it can be a label of a metric.
type Place int

// The places.
const (
	Requests     Place = iota // handlers of both listeners
	Listeners                 // what serves them
	Modules                   // loading a module
	Instances                 // making instances ahead of need
	Deployments               // following the deployment in force
	Shadows                   // scripts in shadow mode
	Canaries                  // bringing back the deployment beside a canary
	Batches                   // writing to the database
	Discovery                 // following the discovery document
	Keys                      // reading an issuer's keys
	Memory                    // giving memory back
	Log                       // writing gathered lines
	Client                    // the command line's requests
	Replicas                  // the row that a server keeps of itself
	Certificates              // reading certificates again
	Traces                    // exporting traces
	AdminTokens               // noting the use of admin tokens
	Documents                 // fetching documents
	places
)

var names = [places]string{"requests", "listeners", "modules", "instances", "deployments", "shadows", "canaries",
	"batches", "discovery", "keys", "memory", "log", "client",
	"replicas", "certificates", "traces", "admin_tokens", "documents"}

// String returns the name of the place, as the metric has it.
func (p Place) String() string { return names[p] }

// Places returns every place.
func Places() []Place {
	all := make([]Place, places)
	for i := range all {
		all[i] = Place(i)
	}
	return all
}

// A PanicError is a panic that was caught. The stack is in the log.
type PanicError struct {
	Place Place
	Value any // what it panicked with
}

// Error names the place and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Place, e.Value) }

// Unwrap returns the value where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A Guard catches panics. It is safe for concurrent use. A nil *Guard catches them too, logs to slog.Default, and
// counts nothing.
type Guard struct {
	Logger *slog.Logger // nil means slog.Default; it is set before the Guard is used

	panics [places]atomic.Uint64
}

// Panics returns how many panics there were in a place.
func (g *Guard) Panics(p Place) uint64 { return g.panics[p].Load() }

// Count counts a panic that another one caught and logged.
func (g *Guard) Count(p Place) {
	if g != nil {
		g.panics[p].Add(1)
	}
}

// Run calls f. It returns nil, or a *[PanicError] where f panicked.
func (g *Guard) Run(p Place, f func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			g.Count(p)
			g.log(p, value, debug.Stack())
			err = &PanicError{p, value}
		}
	}()
	f()
	return nil
}

// log writes what was caught. The logger may be what panicked.
func (g *Guard) log(p Place, value any, stack []byte) {
	defer func() { _ = recover() }() // there is no other place to report it
	logger := slog.Default()
	if g != nil && g.Logger != nil {
		logger = g.Logger
	}
	logger.Error("a panic was caught", "where", p.String(), "panic", fmt.Sprint(value), "stack", string(stack))
}

// Go runs f in a goroutine.
func (g *Guard) Go(p Place, f func()) {
	go func() { _ = g.Run(p, f) }()
}

// GoIn runs f in a goroutine that wg waits for.
func (g *Guard) GoIn(wg *sync.WaitGroup, p Place, f func()) {
	wg.Go(func() { _ = g.Run(p, f) })
}

// restPause is how long Follow waits after a panic.
const restPause = time.Second

// Follow runs f in a goroutine that wg waits for, and again where it panicked, until ctx is done. f returns when ctx is
// done.
func (g *Guard) Follow(ctx context.Context, wg *sync.WaitGroup, p Place, f func(context.Context)) {
	wg.Go(func() {
		for g.Run(p, func() { f(ctx) }) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(restPause):
			}
		}
	})
}

// AfterFunc calls f in a goroutine of its own after d, as [time.AfterFunc] does.
func (g *Guard) AfterFunc(d time.Duration, p Place, f func()) *time.Timer {
	return time.AfterFunc(d, func() { _ = g.Run(p, f) })
}
