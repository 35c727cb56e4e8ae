package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"registrar/hostfuncs"
	"registrar/scripts/metering"
)

// An Instance is a guest in one registration. One goroutine uses it at a time.
type Instance struct {
	module  *Module
	guest   api.Module
	lent    *lender             // of its memory; nil where it began as the module says
	globals []api.MutableGlobal // those of the module's state
	fuel    api.MutableGlobal   // what is left of its slice; see Meter
	calls   api.MutableGlobal   // how many calls may yet nest
	log     *hostfuncs.Log      // what it wrote while it was initialized
	kept    []keptFunction      // that were called before
	stack   stackField          // of those
	depth   int                 // calls that are under way
	light   bool                // renewing it takes little time; see Release
	counted bool                // its shelf counts it
	broken  bool                // it trapped, failed or exited, and is not entered again
	closing bool
}

// lightMemory is how much memory is put back in less time than it takes to have another goroutine do it, in bytes.
const lightMemory = 256 << 10

// instantiate makes an instance that is initialized.
func (m *Module) instantiate(ctx context.Context) (*Instance, error) {
	i, err := m.newInstance(ctx)
	if err != nil {
		return nil, err
	}
	ready := false
	defer func() {
		if !ready {
			i.Close() // also where something panics
		}
	}()
	if m.state == nil {
		err = i.initialize(ctx, m.sandbox.config.Random)
	} else {
		err = m.state.restore(i, m.sandbox.config.Random)
	}
	if err != nil {
		return nil, err
	}
	ready = true
	return i, nil
}

// newInstance makes an instance that is not initialized.
func (m *Module) newInstance(ctx context.Context) (*Instance, error) {
	var allocator experimental.MemoryAllocator = m.sandbox.buffers
	var lent *lender
	if m.image != nil {
		lent = &lender{image: m.image}
		allocator = lent
	}
	// Anonymous: an instance with a name could be imported by another, or take a host module's place.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	guest, err := m.sandbox.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, allocator), m.compiled,
		config)
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	global := func(name string) api.MutableGlobal { return guest.ExportedGlobal(name).(api.MutableGlobal) }
	i := &Instance{
		module: m, guest: guest, lent: lent, log: &hostfuncs.Log{},
		fuel: global(metering.FuelExport), calls: global(metering.CallsExport),
	}
	for _, name := range m.globals {
		i.globals = append(i.globals, global(name))
	}
	return i, nil
}

// Log returns what the instance wrote while it was initialized.
func (i *Instance) Log() *hostfuncs.Log { return i.log }

// Broken reports whether the instance cannot be entered again. It is closed then, not released.
func (i *Instance) Broken() bool { return i.broken }

// memory returns all of its memory, valid until that grows or is freed.
func (i *Instance) memory() []byte {
	m := i.guest.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

// Initialize is the export that runs before an instance's first step.
const Initialize = "_initialize"

// initialize calls _initialize, if the module exports it. An error is a *[GuestError] with its Initialization.
func (i *Instance) initialize(ctx context.Context, random io.Reader) error {
	if i.module.program() || i.guest.ExportedFunction(Initialize) == nil {
		return nil
	}
	s := i.module.sandbox
	own := int64(initializeFuel)
	m := &Meter{request: ctx, fuel: i.fuel, given: own, step: own, registration: &own, limit: s.config.StepTimeout}
	call := &hostfuncs.Call{
		Step: Initialize, Script: i.module.name, Now: s.now(), Entropy: hostfuncs.NewEntropy(random), Log: i.log,
	}
	if _, err := i.call(m, call, Initialize); err != nil {
		failed := i.module.guestError(err, i)
		failed.Initialization = &Initialization{Fuel: m.Fuel(), Elapsed: m.Elapsed(), Log: i.log}
		return failed
	}
	return nil
}

// call calls an exported function and returns its first result.
func (i *Instance) call(m *Meter, call *hostfuncs.Call, function string) (uint32, error) {
	call.Meter = m
	nested := i.calls.Get() // of an outer call that waits for its base
	i.calls.Set(metering.DefaultCalls)
	i.depth++
	m.Resume()
	returned := false
	defer func() {
		if !returned { // wazero panicked: it returns an error for whatever a guest does
			i.depth--
			i.broken = true
		}
	}()
	f := i.function(function)
	err := f.CallWithStack(call.With(m.request), m.result[:])
	m.Pause()
	i.depth--
	returned = true
	i.calls.Set(nested)
	call.Finish()
	if err != nil {
		i.broken = true
	} else {
		i.keep(function, f)
	}
	if i.closing && i.depth == 0 {
		i.Close()
	}
	if err == nil {
		return api.DecodeU32(m.result[0]), nil
	}
	if exit, exited := errors.AsType[*hostfuncs.ExitError](err); exited && exit.Code == 0 {
		return 0, nil
	}
	if line := call.Panicked(); line != "" {
		return 0, &panicError{line, err}
	}
	return 0, err
}

// A keptFunction is an exported function with its native stack, which takes longer to make than a small step takes.
type keptFunction struct {
	name     string
	function api.Function // nil while it is under way, since it has but one stack
}

// maxKeptStack is how large the native stack of a function may be that is kept, in bytes. A stack grows with the calls
// that nest and what they hold, and never shrinks.
const maxKeptStack = 64 << 10

// function takes out the kept function of that name, or makes one.
func (i *Instance) function(name string) api.Function {
	for j := range i.kept {
		if k := &i.kept[j]; k.name == name && k.function != nil {
			f := k.function
			k.function = nil
			return f
		}
	}
	return i.guest.ExportedFunction(name)
}

// keep puts a function back for the next call, unless its stack has become large. Nothing that a guest can read stays
// on it: WebAssembly sets every variable before it can be read.
func (i *Instance) keep(name string, f api.Function) {
	if i.stack.size(f) > maxKeptStack {
		return
	}
	for j := range i.kept {
		if k := &i.kept[j]; k.name == name {
			k.function = f
			return
		}
	}
	i.kept = append(i.kept, keptFunction{name, f})
}

// A stackField is the field of wazero's functions that has their native stack. Finding it by its name takes long beside
// a small step, so an instance finds it once. The zero value has not been found.
type stackField struct {
	of    reflect.Type // of the functions, without the pointer
	index []int        // nil if there is no such field
}

// size returns how large a function's stack is, in bytes. wazero does not tell, so the field is read by its name. If
// wazero renames it, every stack counts as too large to keep.
func (s *stackField) size(f api.Function) int {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return math.MaxInt
	}
	v = v.Elem()
	if v.Type() != s.of {
		*s = stackField{of: v.Type()}
		if field, ok := s.of.FieldByName("stack"); ok && field.Type.Kind() == reflect.Slice {
			s.index = field.Index
		}
	}
	if s.index == nil {
		return math.MaxInt
	}
	return v.FieldByIndex(s.index).Len()
}

// Close closes the instance, after its outermost call if one is under way.
func (i *Instance) Close() {
	if i.depth > 0 {
		i.closing = true
		return
	}
	if i.counted {
		i.counted = false
		i.module.shelf.gone()
	}
	// Nothing that an instance holds can fail to close.
	_ = i.guest.Close(context.Background())
}
