// Package sandbox makes instances of uploaded WebAssembly modules, which are trusted with nothing, and runs them.
//
// [Sandbox.Inspect] judges a module by its bytes. [Sandbox.Load] meters and compiles it. [Module.Acquire] returns an
// initialized [Instance] that no registration has used, [Instance.Run] enters it, and [Instance.Release] gives it back.
//
// Between a guest and the rest of the process are the inspection, the list of functions that a module may import
// (package hostfuncs), a child process that compiles, wazero, and limits on memory, fuel, nested calls and time. This
// package knows modules and instances; package host knows deployments and registrations.
package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/hostfuncs"
	"registrar/internal/guard"
	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/memory"
	"registrar/scripts/metering"
)

// Config configures a Sandbox.
type Config struct {
	Steps []string // names of the exports that are steps, in the order of a registration

	MemoryPages uint32        // of each instance, in 64 KiB pages; 0 means 256
	StepFuel    int64         // instructions of one step, base excluded; 0 means 25,000,000
	StepTimeout time.Duration // wall clock of one step, base excluded; 0 means 1 s

	MaxModule int // size of a module in bytes; 0 means 8 MiB
	Pool      int // instances of each module that are made ahead of need; 0 means 16

	CacheFolder string // of compiled modules, for this user only; "" means a temporary one
	// CompileCommand starts the program whose hidden command compiles a module; nil means the running executable. See
	// [CompileChild].
	CompileCommand []string

	Random io.Reader        // of initialization, and for the seeds of instances' generators; nil means crypto/rand
	Now    func() time.Time // of initialization; nil means time.Now
	Guard  *guard.Guard     // catches panics; nil means one that counts nothing
	Logger *slog.Logger     // of code that is damaged; nil means slog.Default
	// Observe is called when something happens to an instance of a module that is kept ready. Many goroutines call it, in
	// the middle of registrations, so it must be quick. nil observes nothing.
	Observe func(script string, event scripts.InstanceEvent)
}

// WithDefaults returns c with each zero field set to what it means, Steps and CompileCommand apart.
func (c Config) WithDefaults() Config {
	c.MemoryPages = cmp.Or(c.MemoryPages, 256)
	c.StepFuel = cmp.Or(c.StepFuel, 25_000_000)
	c.StepTimeout = cmp.Or(c.StepTimeout, time.Second)
	c.MaxModule = cmp.Or(c.MaxModule, 8<<20)
	c.Pool = cmp.Or(c.Pool, 16)
	c.Random = cmp.Or(c.Random, rand.Reader)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(string, scripts.InstanceEvent) {}
	}
	return c
}

// A Sandbox loads modules. It is safe for concurrent use.
type Sandbox struct {
	config   Config
	compiler *compiler
	runtime  wazero.Runtime
	buffers  *memory.Buffers
	pool     *pool
	inUse    *inUse
	schemas  *configschema.Cache
}

// New returns a Sandbox without modules.
func New(ctx context.Context, c Config) (*Sandbox, error) {
	c = c.WithDefaults()
	compiler, err := newCompiler(c)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{config: c, compiler: compiler, buffers: &memory.Buffers{}, schemas: configschema.NewCache(),
		inUse: newInUse()}
	s.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(c.MemoryPages, compiler.cache))
	if err := errors.Join(hostfuncs.Instantiate(ctx, s.runtime), addEvent(ctx, s.runtime)); err != nil {
		return nil, errors.Join(err, compiler.close(ctx))
	}
	s.pool = newPool(c.Guard)
	return s, nil
}

// Stop ends the making of instances ahead of need. It is called before the modules that are kept ready are closed.
func (s *Sandbox) Stop() { s.pool.close() }

// Keep drops the machine code of all modules but these, by their digests, once it was not used for an hour. Code of
// other versions of this program goes after 30 days.
func (s *Sandbox) Keep(digests []string) error { return s.compiler.files.Keep(digests) }

// Close ends the sandbox. It is called after Stop, when every module is closed.
func (s *Sandbox) Close(ctx context.Context) error {
	return errors.Join(s.runtime.Close(ctx), s.compiler.close(ctx))
}

// now returns the time as registrations have it: UTC, in whole microseconds.
func (s *Sandbox) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// addEvent adds the function that metered modules call when they have used up their slice.
func addEvent(ctx context.Context, rt wazero.Runtime) error {
	event := func(ctx context.Context, _ api.Module, stack []uint64) { hostfuncs.Event(ctx, api.DecodeU32(stack[0])) }
	_, err := rt.NewHostModuleBuilder(metering.EventModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(event), []api.ValueType{api.ValueTypeI32}, nil).
		Export(metering.EventName).Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("instantiating the host module %s: %w", metering.EventModule, err)
	}
	return nil
}
