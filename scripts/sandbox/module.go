package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"

	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/metering"
	"registrar/scripts/snapshot"
	"registrar/scripts/wasmbin"
)

// A Module is a compiled module that can be instantiated, as one script has it.
type Module struct {
	sandbox *Sandbox
	name    string // of the script, in log lines and for the observer
	*loaded
	log   *hostfuncs.Log // that of the state, as this script's; nil where there is no state
	shelf *shelf         // instances that are ready; nil where none are made ahead of need

	// hold keeps the module from being closed until unpin is called, and returns false where it is to be closed.
	hold   func() bool
	unpin  func()
	failed func(error) // is told where the worker panicked
}

// Vet returns the verdict on a module, as Inspect does, and loads it once, which Load can then do quickly.
func (s *Sandbox) Vet(ctx context.Context, wasm []byte) (scripts.Module, error) {
	verdict, err := s.Inspect(wasm)
	if err != nil {
		return scripts.Module{}, err
	}
	m, err := s.Load(ctx, "", verdict, wasm)
	if err != nil {
		return scripts.Module{}, err
	}
	if err := m.Close(ctx); err != nil {
		return scripts.Module{}, fmt.Errorf("closing the module: %w", err)
	}
	return verdict, nil
}

// rejection returns the error of Load for an error of its first instance: a rejection where the module is to blame.
func (m *Module) rejection(ctx context.Context, err error) error {
	guest := m.guestError(err, nil)
	_, isHost := errors.AsType[*hostfuncs.BaseError](err)
	switch initialization := guest.Initialization; {
	case ctx.Err() != nil:
		return fmt.Errorf("initializing the first instance: %w", ctx.Err())
	case isHost, guest.Kind == scripts.FailureClock:
		return fmt.Errorf("%w: initializing the first instance: %w", ErrUnavailable, guest)
	case initialization == nil:
		return scripts.Reject("no instance of the module can be made: %s", guest.Reason)
	default:
		return scripts.Reject("the module's %s fails, so that none of its steps could run: %s (fuel used: %d, "+
			"limit: %d)",
			Initialize, new(hostfuncs.Log).Reason(guest.Reason), initialization.Fuel, initializeFuel)
	}
}

// compile meters and compiles a module that was inspected. wazero does not see its custom sections: nothing needs them,
// and a module must not choose its own name. Nor does it see the data that instances begin with, which it would copy
// piece by piece each time.
func (s *Sandbox) compile(ctx context.Context, digest string, wasm []byte) (wazero.CompiledModule, snapshot.Layout,
	error) {
	fail := func(err error) (wazero.CompiledModule, snapshot.Layout, error) { return nil, snapshot.Layout{}, err }
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return fail(fmt.Errorf("decoding a module that was inspected: %w", err))
	}
	metered, err := metering.Rewrite(wasm, m)
	if err != nil {
		return fail(scripts.Reject("%v", err))
	}
	module, layout, err := snapshot.Prepare(metered, wasm, m)
	if err != nil {
		return fail(scripts.Reject("%v", err))
	}
	compiled, err := s.compiler.load(ctx, s.runtime, source{
		digest: digest, size: len(wasm), module: module, judge: func() error { return judge(wasm, m) },
	})
	if err != nil {
		return fail(err)
	}
	return compiled, layout, nil
}

// KeepReady has instances made ahead of need. It is called once, before the first Acquire. The worker that makes them
// calls hold, which keeps the module from being closed until unpin is called, or returns false where the module is to
// be closed and needs no more instances. Where the worker panics over the module, its instances are closed, and failed
// is called with the panic.
func (m *Module) KeepReady(hold func() bool, unpin func(), failed func(error)) {
	m.hold, m.unpin, m.failed = hold, unpin, failed
	pool := m.sandbox.pool
	m.shelf = &shelf{size: m.sandbox.config.Pool, lacks: func() { pool.want(m) }}
	pool.want(m)
}

// Initializes reports whether each instance runs _initialize, so that it can fail in a registration.
func (m *Module) Initializes() bool {
	return !m.program() && m.state == nil && m.compiled.ExportedFunctions()[Initialize] != nil
}

// Ready returns how many instances are ready that no registration has used.
func (m *Module) Ready() int {
	if m.shelf == nil {
		return 0
	}
	return m.shelf.waiting()
}

// Close closes the instances that are ready, and frees what the module has loaded where no other Module shares it. It
// is called once, when every other instance was released or closed.
func (m *Module) Close(ctx context.Context) error {
	if m.shelf != nil {
		m.shelf.close()
	}
	if !m.sandbox.inUse.leave(m.loaded) {
		return nil
	}
	return m.loaded.close(ctx)
}

func (m *Module) observe(event scripts.InstanceEvent) { m.sandbox.config.Observe(m.name, event) }
