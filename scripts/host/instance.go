package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"registrar/hostfuncs"
	"registrar/scripts/metering"
)

// An instance is a guest in one registration.
type instance struct {
	script  *script
	module  api.Module
	lent    *lender             // of its memory; nil where it began as the module says
	globals []api.MutableGlobal // those of the script's state
	fuel    api.MutableGlobal   // what is left of its slice; see meter
	calls   api.MutableGlobal   // how many calls may yet nest
	log     *hostfuncs.Log      // what it wrote while it was initialized
	attempt int                 // of the registration; see engine.Registration.Attempt
	kept    []keptFunction      // that were called before
	depth   int                 // calls that are under way
	light   bool                // making it new takes little time; see pool.give
	counted bool                // its shelf counts it
	broken  bool                // it trapped, failed or exited, and is not entered again
	closing bool
}

// lightMemory is how much memory is put back in less time than it takes to have another goroutine do it, in bytes.
const lightMemory = 256 << 10

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
	var lent *lender
	if sc.image != nil {
		lent = &lender{image: sc.image}
		allocator = lent
	}
	// Anonymous: an instance with a name could be imported by another, or stand in a host module's place.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	module, err := h.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, allocator), sc.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	global := func(name string) api.MutableGlobal { return module.ExportedGlobal(name).(api.MutableGlobal) }
	i := &instance{script: sc, module: module, lent: lent, log: &hostfuncs.Log{}, fuel: global(metering.FuelExport), calls: global(metering.CallsExport)}
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
	call.Meter = m
	nested := i.calls.Get() // of an outer call that waits for its base
	i.calls.Set(metering.DefaultCalls)
	i.depth++
	m.grant()
	f := i.function(function)
	err := f.CallWithStack(call.With(m.request), m.result[:])
	m.settle()
	i.depth--
	i.calls.Set(nested)
	call.Finish()
	if err != nil {
		i.broken = true
	} else {
		i.keep(function, f)
	}
	if i.closing && i.depth == 0 {
		i.close()
	}
	if err == nil {
		return api.DecodeU32(m.result[0]), nil
	}
	if exit, exited := errors.AsType[*hostfuncs.Exit](err); exited && exit.Code == 0 {
		return 0, nil
	}
	return 0, err
}

// A keptFunction is an exported function with its native stack, which takes longer to make than a small step takes.
type keptFunction struct {
	name     string
	function api.Function // nil while it is under way, since it has but one stack
}

// maxKeptStack is how large the native stack of a function may be that is kept, in bytes. A stack grows with the calls that
// nest and what they hold, and never shrinks.
const maxKeptStack = 64 << 10

// function takes out the function of that name, or makes one.
func (i *instance) function(name string) api.Function {
	for j := range i.kept {
		if k := &i.kept[j]; k.name == name && k.function != nil {
			f := k.function
			k.function = nil
			return f
		}
	}
	return i.module.ExportedFunction(name)
}

// keep puts a function back for the next call, unless its stack has become large. Nothing that a guest can read stays on
// it: WebAssembly sets every variable before it can be read.
func (i *instance) keep(name string, f api.Function) {
	if nativeStack(f) > maxKeptStack {
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

// nativeStack is how large a function's stack is, in bytes. wazero tells nobody, so where it comes to name it otherwise, no
// stack is small.
func nativeStack(f api.Function) int {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return math.MaxInt
	}
	stack := v.Elem().FieldByName("stack")
	if stack.Kind() != reflect.Slice {
		return math.MaxInt
	}
	return stack.Len()
}

// close ends the instance, or has its outermost call end it.
func (i *instance) close() {
	if i.depth > 0 {
		i.closing = true
		return
	}
	if i.counted {
		i.counted = false
		i.script.shelf.gone()
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
