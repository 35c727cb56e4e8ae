package scripts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"registrar/hostfuncs"
	"registrar/scripts/memory"
	"registrar/scripts/metering"
)

// An instance is a guest in one registration.
type instance struct {
	script  *script
	module  api.Module
	lent    memory.Memory       // its memory; nil where it began as the module says
	globals []api.MutableGlobal // those of the script's state
	fuel    api.MutableGlobal   // what is left of its slice; see meter
	calls   api.MutableGlobal   // how many calls may yet nest
	log     *hostfuncs.Log      // what it wrote while it was initialized
	attempt int                 // of the registration; see engine.Registration.Attempt
	depth   int                 // calls that are under way
	broken  bool                // it trapped, failed or exited, and is not entered again
	closing bool
}

// instantiate makes an instance that is initialized.
func (h *Host) instantiate(ctx context.Context, sc *script) (*instance, error) {
	i, err := h.newInstance(ctx, sc)
	if err != nil {
		return nil, err
	}
	if sc.state == nil {
		err = h.initialize(ctx, sc, i, h.config.Random)
	} else {
		err = sc.state.restore(i, h.config.Random)
	}
	if err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

// newInstance makes an instance that is not initialized.
func (h *Host) newInstance(ctx context.Context, sc *script) (*instance, error) {
	var allocator experimental.MemoryAllocator = h.buffers
	l := &lender{image: sc.image}
	if sc.image != nil {
		allocator = l
	}
	// Anonymous: an instance with a name could be imported by another, or stand in a host module's place.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	module, err := h.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, allocator), sc.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	global := func(name string) api.MutableGlobal { return module.ExportedGlobal(name).(api.MutableGlobal) }
	i := &instance{script: sc, module: module, lent: l.lent, log: &hostfuncs.Log{}, fuel: global(metering.FuelExport), calls: global(metering.CallsExport)}
	for _, name := range sc.globals {
		i.globals = append(i.globals, global(name))
	}
	return i, nil
}

// memory is all of its memory, valid until that grows or is freed.
func (i *instance) memory() []byte {
	m := i.module.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

// initialize has an instance initialize itself, if it does.
func (h *Host) initialize(ctx context.Context, sc *script, i *instance, random io.Reader) error {
	if sc.command || i.module.ExportedFunction(initialize) == nil {
		return nil
	}
	own := int64(initializeFuel)
	m := &meter{request: ctx, fuel: i.fuel, step: own, shared: &own, limit: h.config.StepTimeout}
	call := &hostfuncs.Call{Step: initialize, Script: sc.Name, Now: h.now(), Entropy: hostfuncs.NewEntropy(random), Log: i.log}
	if _, err := i.call(m, call, initialize); err != nil {
		return fmt.Errorf("in %s: %w", initialize, err)
	}
	return nil
}

// call calls an exported function and returns its first result.
func (i *instance) call(m *meter, call *hostfuncs.Call, function string) (uint32, error) {
	call.Event = func(reason uint32) { m.event(metering.Reason(reason)) }
	call.Charge = m.charge
	nested := i.calls.Get() // of an outer call that waits for its base
	i.calls.Set(metering.DefaultCalls)
	i.depth++
	m.grant()
	results, err := i.module.ExportedFunction(function).Call(call.With(m.request))
	m.settle()
	i.depth--
	i.calls.Set(nested)
	call.Finish()
	exit, exited := errors.AsType[*hostfuncs.Exit](err)
	if err != nil {
		i.broken = true
	}
	if i.closing && i.depth == 0 {
		i.close()
	}
	switch {
	case exited && exit.Code == 0:
		return 0, nil
	case err != nil:
		return 0, err
	case len(results) == 0:
		return 0, nil
	}
	return api.DecodeU32(results[0]), nil
}

// close ends the instance, or has its outermost call end it.
func (i *instance) close() {
	if i.depth > 0 {
		i.closing = true
		return
	}
	// Nothing that an instance holds can fail to close.
	_ = i.module.Close(context.Background())
}

// describe returns the first line of a guest's error: what follows is its stack.
func describe(err error) string {
	if trap, ok := errors.AsType[*hostfuncs.Trap](err); ok {
		return trap.Error()
	}
	if limit, ok := errors.AsType[*limitExceeded](err); ok {
		return limit.Error()
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
