// Package scripts runs uploaded WebAssembly modules as registration steps. A module is inspected and compiled at upload;
// a deployment is an ordered list of modules, and the one in force gives each registration its steps, through
// [Host.Overrides]. Each registration gets instances of its own, which are closed with it. Between a script and the rest
// of the process stand the inspection, an import list, wazero, limits on memory and time, and the engine's invariants.
package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/memory"
	"registrar/scripts/metering"
	"registrar/scripts/snapshot"
	"registrar/scripts/wasmbin"
)

// A ModuleStore keeps uploaded modules.
type ModuleStore interface {
	// AddModule stores a module durably. Where its digest is known it returns what is stored, and false; a signature then
	// takes the place of the one that is stored.
	AddModule(ctx context.Context, m scripts.Module, wasm []byte) (stored scripts.Module, added bool, err error)
	// ModuleBytes returns a module as uploaded, or an error that is scripts.ErrNotFound.
	ModuleBytes(ctx context.Context, digest string) ([]byte, error)
}

// A DeploymentStore keeps deployments.
type DeploymentStore interface {
	// AddDeployment appends a deployment durably and returns it with its number, or an error that is scripts.ErrConflict
	// where ifCurrent is not nil and not the number in force.
	AddDeployment(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error)
	// CurrentDeployment returns the deployment in force, number 0 before the first.
	CurrentDeployment(ctx context.Context) (scripts.Deployment, error)
	// CurrentDeploymentNumber returns its number. It is cheap.
	CurrentDeploymentNumber(ctx context.Context) (int64, error)
	// Deployments returns at most n deployments with a number below before, the newest first.
	Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error)
}

// Config is what a Host is made of.
type Config struct {
	Modules     ModuleStore
	Deployments DeploymentStore
	// ClientExists reports whether a client ID is taken; nil means that none is.
	ClientExists func(ctx context.Context, id string) (bool, error)

	// Shadows keeps what scripts in shadow mode would have done; nil means that nothing is kept.
	Shadows ShadowStore
	// CanaryKey returns the key that says which callers a canary is in force for: secret, and the same on every server. nil
	// means one of this process alone.
	CanaryKey func(ctx context.Context) ([]byte, error)
	// CanaryCallers is for how many callers a canary script has to fail before the older deployment is brought back; 0 means 5.
	CanaryCallers int
	// SigningKeys are those of which one must have signed a module; nil means that modules need no signature.
	SigningKeys []SigningKey
	// Signature returns the signature that is stored with a module, "" where there is none. It may be nil without SigningKeys.
	Signature func(ctx context.Context, digest string) (string, error)

	MemoryPages uint32        // of each instance, in 64 KiB pages; 0 means 256
	StepFuel    int64         // instructions of one step, base excluded; 0 means 10,000,000
	StepTimeout time.Duration // wall clock of one step, base excluded; 0 means 1 s
	// RegistrationFuel is for the instructions of all scripts in one registration; 0 means five times StepFuel.
	RegistrationFuel int64

	MaxModule   int    // size of a module in bytes; 0 means 8 MiB
	Pool        int    // instances of each script that are made ahead of need; 0 means 16
	CacheFolder string // of compiled modules, for this user alone; "" means a temporary one
	// CompileCommand starts this program's hidden command, which compiles a module; nil means the running executable. See
	// [CompileChild].
	CompileCommand []string
	Random         io.Reader        // of scripts; nil means crypto/rand
	Now            func() time.Time // of uploads, deployments and initialization; nil means time.Now
	Logger         *slog.Logger     // of scripts' lines and failures; nil means slog.Default
	Observer       Observer         // nil means that nobody counts
}

// A Host runs scripts. It is safe for concurrent use.
type Host struct {
	config   Config
	compiler *compiler
	runtime  wazero.Runtime
	buffers  *memory.Buffers
	pool     *pool
	shadows  *shadows
	falling  sync.WaitGroup // canaries that are being taken back

	mu      sync.Mutex // guards current, and the pins of every deployment
	current *deployed  // nil before one is loaded
	failed  error      // why the deployment in force is not the current one; nil where it is

	loading   sync.Mutex // one load at a time
	replaying sync.Mutex // one replay at a time
}

// New returns a Host that has loaded nothing yet; [Host.Load] does.
func New(ctx context.Context, c Config) (*Host, error) {
	if c.MemoryPages == 0 {
		c.MemoryPages = 256
	}
	if c.StepTimeout == 0 {
		c.StepTimeout = time.Second
	}
	if c.MaxModule == 0 {
		c.MaxModule = 8 << 20
	}
	if c.StepFuel == 0 {
		c.StepFuel = 10_000_000
	}
	if c.RegistrationFuel == 0 {
		c.RegistrationFuel = 5 * c.StepFuel
	}
	if c.Pool == 0 {
		c.Pool = 16
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.CanaryCallers == 0 {
		c.CanaryCallers = 5
	}
	if c.CanaryKey == nil {
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		c.CanaryKey = func(context.Context) ([]byte, error) { return key, nil }
	}
	if c.Observer == nil {
		c.Observer = unobserved{}
	}
	if c.ClientExists == nil {
		c.ClientExists = func(context.Context, string) (bool, error) { return false, nil }
	}
	if len(c.SigningKeys) > 0 && c.Signature == nil {
		return nil, errors.New("signing keys without a way to read signatures")
	}
	compiler, err := newCompiler(c.CompileCommand, c.CacheFolder, c.MemoryPages)
	if err != nil {
		return nil, err
	}
	h := &Host{config: c, compiler: compiler, buffers: &memory.Buffers{}, failed: errors.New("no deployment is loaded yet")}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(c.MemoryPages, compiler.cache))
	if err := errors.Join(hostfuncs.Instantiate(ctx, h.runtime), addEvent(ctx, h.runtime)); err != nil {
		return nil, errors.Join(err, compiler.close(ctx))
	}
	h.pool = newPool(h, c.Pool)
	h.shadows = newShadows(h)
	return h, nil
}

// Close ends every script. It is called when no registration is under way.
func (h *Host) Close(ctx context.Context) error {
	h.falling.Wait()
	h.shadows.close(ctx)
	h.pool.close()
	h.mu.Lock()
	current := h.current
	h.mu.Unlock()
	var err error
	for _, d := range current.all() {
		err = errors.Join(err, h.close(ctx, d))
	}
	return errors.Join(err, h.runtime.Close(ctx), h.compiler.close(ctx))
}

// now returns the time as it is stored: UTC, in whole microseconds.
func (h *Host) now() time.Time { return h.config.Now().UTC().Truncate(time.Microsecond) }

// Upload inspects, compiles and stores a module with its signature: the content of a .minisig file, "" meaning none. The
// same bytes again give what is stored, and false; a signature then replaces the stored one. A module that is not accepted
// gets a *[scripts.RejectedError].
func (h *Host) Upload(ctx context.Context, name string, wasm []byte, signature string) (scripts.Module, bool, error) {
	if !scripts.ValidName(name) {
		return scripts.Module{}, false, scripts.Reject("name %q: a script's name is %s", name, scripts.NameRule)
	}
	if err := h.checkSignature(wasm, signature); err != nil {
		return scripts.Module{}, false, err
	}
	verdict, err := h.Inspect(wasm)
	if err != nil {
		return scripts.Module{}, false, err
	}
	compiled, _, err := h.compile(ctx, wasm)
	if err != nil {
		return scripts.Module{}, false, err
	}
	if err := compiled.Close(ctx); err != nil {
		return scripts.Module{}, false, fmt.Errorf("closing the compiled module: %w", err)
	}
	verdict.Name, verdict.Signature = name, signature
	verdict.CreatedAt = h.now()
	return h.config.Modules.AddModule(ctx, verdict, wasm)
}

// addEvent adds the function that metered modules call when they used up their slice.
func addEvent(ctx context.Context, rt wazero.Runtime) error {
	event := func(ctx context.Context, _ api.Module, stack []uint64) { hostfuncs.Event(ctx, api.DecodeU32(stack[0])) }
	_, err := rt.NewHostModuleBuilder(metering.EventModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(event), []api.ValueType{api.ValueTypeI32}, nil).Export(metering.EventName).Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("instantiating the host module %s: %w", metering.EventModule, err)
	}
	return nil
}

// compile meters and compiles a module that was inspected. wazero does not see its custom sections: nothing needs them,
// and a module must not choose its own name. Nor does it see the data that instances begin with, which it would copy
// piece by piece each time.
func (h *Host) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, snapshot.Layout, error) {
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
	if err := h.compiler.vet(ctx, module); err != nil {
		return fail(err)
	}
	compiled, err := h.runtime.CompileModule(ctx, module)
	if err != nil {
		return fail(scripts.Reject("the module does not compile: %v", err))
	}
	return compiled, layout, nil
}
