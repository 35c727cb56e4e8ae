// Package host runs scripts as registration steps. A deployment is an ordered list of scripts; a script is a module
// with a configuration. [Host.Overrides] wraps the scripts of the deployment in force around the engine's steps. Each
// registration gets its own instances from package sandbox. A script may act for a share of the callers only (a
// canary), or run without effect beside the others (a shadow). [Host.DryRun] and [Host.Replay] try scripts on a request
// and on stored clients.
//
// A script's changes count only if its step returned 0, and only within the engine's invariants.
package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/scripts/sandbox"
)

// A ModuleStore keeps uploaded modules.
type ModuleStore interface {
	// AddModule stores a module durably and returns it with true. If the digest is already stored, it returns the
	// stored module and false; a signature in m then replaces the stored one.
	AddModule(ctx context.Context, m scripts.Module, wasm []byte) (stored scripts.Module, added bool, err error)
	// ModuleBytes returns the bytes of a module as uploaded, or an error that matches scripts.ErrNotFound.
	ModuleBytes(ctx context.Context, digest string) ([]byte, error)
	// Modules returns every module.
	Modules(ctx context.Context) ([]scripts.Module, error)
}

// A DeploymentStore keeps deployments.
type DeploymentStore interface {
	// AddDeployment appends a deployment durably and returns it with its number. It returns an error that matches
	// scripts.ErrConflict if ifCurrent is not nil and not the number of the deployment in force.
	AddDeployment(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error)
	// CurrentDeployment returns the deployment in force, number 0 before the first.
	CurrentDeployment(ctx context.Context) (scripts.Deployment, error)
	// CurrentDeploymentNumber returns the number of the deployment in force. It is called often and must be cheap.
	CurrentDeploymentNumber(ctx context.Context) (int64, error)
	// Deployments returns at most n deployments with a number below before, newest first.
	Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error)
}

// Config configures a Host.
type Config struct {
	sandbox.Config // of the instances; New sets Steps and Observe

	Modules     ModuleStore
	Deployments DeploymentStore
	// ClientExists reports whether a client ID is taken; nil means that no ID is.
	ClientExists func(ctx context.Context, id string) (bool, error)

	// Shadows stores the results of scripts in shadow mode; nil means that they are dropped.
	Shadows ShadowStore
	// CanaryKey returns the secret key that selects the callers of a canary. It must be the same on every server; nil
	// means a random key of this process.
	CanaryKey func(ctx context.Context) ([]byte, error)
	// CanaryCallers is the number of callers for whom a canary must fail before it falls back; 0 means 5.
	CanaryCallers int

	// SigningKeys are the keys that may sign modules. If there are any, each module must be signed by one of them.
	SigningKeys []SigningKey
	// Signature returns the stored signature of a module, "" if there is none. It may be nil without SigningKeys.
	Signature func(ctx context.Context, digest string) (string, error)

	// RegistrationFuel bounds the fuel of all scripts in one registration, in instructions; 0 means four times
	// StepFuel. A script with more fuel than StepFuel in its deployment adds the difference for each of its steps.
	RegistrationFuel int64

	// RegistrationTimeout bounds a dry run, and each registration of a replay, as the server bounds a registration; 0
	// means 3 s.
	RegistrationTimeout time.Duration

	Logger   *slog.Logger // of scripts' lines and failures, and the sandbox's; nil means slog.Default
	Observer Observer     // nil means none
	// Trace is called when a script is called in a registration, but not in a dry run, a replay or a shadow. It returns
	// the context of the call, and a function that is called when the call has ended. nil means that nothing is called.
	Trace func(ctx context.Context, script, module, step string) (context.Context, func(scripts.StepEnd))
}

// withDefaults returns c with zero fields replaced by their defaults.
func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	c.RegistrationFuel = cmp.Or(c.RegistrationFuel, 4*c.StepFuel)
	c.CanaryCallers = cmp.Or(c.CanaryCallers, 5)
	c.RegistrationTimeout = cmp.Or(c.RegistrationTimeout, 3*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Config.Logger = c.Logger
	c.Observer = cmp.Or[Observer](c.Observer, unobserved{})
	c.Steps, c.Observe = stepNames(), c.Observer.Instance
	if c.ClientExists == nil {
		c.ClientExists = func(context.Context, string) (bool, error) { return false, nil }
	}
	if c.CanaryKey == nil {
		key := make([]byte, 32)
		rand.Read(key) // it never fails
		c.CanaryKey = func(context.Context) ([]byte, error) { return key, nil }
	}
	return c
}

// A Host runs scripts. It is safe for concurrent use.
type Host struct {
	config      Config
	sandbox     *sandbox.Sandbox
	shadows     *shadows
	fallingBack sync.WaitGroup // canaries that are falling back

	mu      sync.Mutex // guards current, failed, broken, next, and the mutable fields of deployments and canaries
	current *deployed  // nil before one is loaded
	failed  error      // why current is not the deployment in force; nil if it is
	broken  broken     // the last deployment that a panic ended

	next      int64     // the deployment that is being loaded; 0 if none is
	nextSince time.Time // when that began

	loading   sync.Mutex // one load at a time
	replaying sync.Mutex // one replay at a time
}

// New returns a Host without a deployment. Call [Host.Load] to load the one in force.
func New(ctx context.Context, c Config) (*Host, error) {
	c = c.withDefaults()
	if len(c.SigningKeys) > 0 && c.Signature == nil {
		return nil, errors.New("Config.SigningKeys requires Config.Signature")
	}
	box, err := sandbox.New(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	h := &Host{config: c, sandbox: box, failed: errors.New("no deployment is loaded yet")}
	h.shadows = newShadows(h)
	return h, nil
}

// Close ends all scripts and stores what shadows have found. No registration may be running.
func (h *Host) Close(ctx context.Context) error {
	h.fallingBack.Wait()
	h.shadows.close(ctx)
	h.sandbox.Stop()
	h.mu.Lock()
	current := h.current
	h.mu.Unlock()
	var err error
	for _, d := range current.all() {
		err = errors.Join(err, h.close(ctx, d))
	}
	return errors.Join(err, h.sandbox.Close(ctx))
}

// now returns the time as it is stored: UTC, in whole microseconds.
func (h *Host) now() time.Time { return h.config.Now().UTC().Truncate(time.Microsecond) }

// Pack makes a module of the text of a script in JavaScript or TypeScript, which imports nothing. Its file is name with
// the extension, such as .ts. Pack returns a *[scripts.RejectedError] if the script is to blame, or if modules must be
// signed: what is signed is the module.
func (h *Host) Pack(ctx context.Context, name, extension string, text []byte) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(h.config.SigningKeys) > 0 {
		return nil, scripts.Reject("this server takes only signed modules, and what is signed is the packed module: "+
			"run registrar script pack %s%s -o %[1]s.wasm, sign %[1]s.wasm with minisign, and push it", name, extension)
	}
	module, err := h.sandbox.PackScript(ctx, name+extension, text)
	return module, unavailable(err)
}

// Upload inspects, compiles and stores a module, and returns it with true. signature is the content of a .minisig file,
// "" meaning none. If the same bytes are already stored, Upload returns the stored module and false; a signature then
// replaces the stored one. Upload returns a *[scripts.RejectedError] if the module is not acceptable.
func (h *Host) Upload(ctx context.Context, name string, wasm []byte, signature string) (scripts.Module, bool, error) {
	if err := checkName(name); err != nil {
		return scripts.Module{}, false, err
	}
	if err := h.checkSignature(wasm, signature); err != nil {
		return scripts.Module{}, false, err
	}
	verdict, err := h.sandbox.Vet(ctx, wasm)
	if err != nil {
		return scripts.Module{}, false, unavailable(err)
	}
	verdict.Name, verdict.Signature = name, signature
	verdict.CreatedAt = h.now()
	stored, added, err := h.config.Modules.AddModule(ctx, verdict, wasm)
	if err == nil {
		stored.ConfigSchema = verdict.ConfigSchema
	}
	return stored, added, err
}

// ConfigSchema returns the JSON Schema of its configuration that a stored module carries, nil for none. It returns an
// error that matches [scripts.ErrNotFound] if there is no such module.
func (h *Host) ConfigSchema(ctx context.Context, digest string) (jsontext.Value, error) {
	wasm, err := h.config.Modules.ModuleBytes(ctx, digest)
	if err != nil {
		return nil, err
	}
	return sandbox.ConfigSchema(wasm)
}

func checkName(name string) error {
	if !scripts.ValidName(name) {
		return scripts.Reject("name %q: a script's name must match %s", name, scripts.NameRule)
	}
	return nil
}
