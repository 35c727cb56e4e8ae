// Package host runs scripts as registration steps. A script is a module in a deployment, an ordered list; the
// deployment in force gives each registration its steps, through [Host.Overrides]. Each registration gets instances of
// its own from package sandbox. A script may be in force for a share of the callers (a canary), or run beside those
// that act (a shadow); [Host.DryRun] and [Host.Replay] say what scripts would make of a request, and of stored clients.
//
// What a script did counts only where its step returned 0, and only within the engine's invariants.
package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"registrar/scripts"
	"registrar/scripts/sandbox"
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

// Config configures a Host.
type Config struct {
	sandbox.Config // of the instances; New sets Steps and Observe

	Modules     ModuleStore
	Deployments DeploymentStore
	// ClientExists reports whether a client ID is taken; nil means that none is.
	ClientExists func(ctx context.Context, id string) (bool, error)

	// Shadows stores what scripts in shadow mode would have done; nil means that nothing is stored.
	Shadows ShadowStore
	// CanaryKey returns the key that decides which callers a canary is in force for: secret, and the same on every server.
	// nil means a random one of this process.
	CanaryKey func(ctx context.Context) ([]byte, error)
	// CanaryCallers is for how many callers a canary script has to fail before the older deployment is brought back; 0
	// means 5.
	CanaryCallers int

	// SigningKeys are the keys of which one must have signed a module; none means that modules need no signature.
	SigningKeys []SigningKey
	// Signature returns the signature that is stored with a module, "" where there is none. It may be nil without
	// SigningKeys.
	Signature func(ctx context.Context, digest string) (string, error)

	// RegistrationFuel is how many instructions all scripts in one registration may execute; 0 means five times StepFuel.
	RegistrationFuel int64

	Logger   *slog.Logger // of scripts' lines and failures; nil means slog.Default
	Observer Observer     // nil means none
}

// withDefaults returns c with each zero field set to what it means.
func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	c.RegistrationFuel = cmp.Or(c.RegistrationFuel, 5*c.StepFuel)
	c.CanaryCallers = cmp.Or(c.CanaryCallers, 5)
	c.Logger = cmp.Or(c.Logger, slog.Default())
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
	fallingBack sync.WaitGroup // canaries whose older deployment is being brought back

	mu      sync.Mutex // guards current, and the pins of every deployment
	current *deployed  // nil before one is loaded
	failed  error      // why the deployment in force is not the current one; nil where it is

	loading   sync.Mutex // one load at a time
	replaying sync.Mutex // one replay at a time
}

// New returns a Host that has loaded nothing yet; [Host.Load] does.
func New(ctx context.Context, c Config) (*Host, error) {
	c = c.withDefaults()
	if len(c.SigningKeys) > 0 && c.Signature == nil {
		return nil, errors.New("signing keys without a way to read signatures")
	}
	box, err := sandbox.New(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	h := &Host{config: c, sandbox: box, failed: errors.New("no deployment is loaded yet")}
	h.shadows = newShadows(h)
	return h, nil
}

// Close ends every script. It is called when no registration is under way.
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

// Upload inspects, compiles and stores a module with its signature: the content of a .minisig file, "" meaning none.
// The same bytes again give what is stored, and false; a signature then replaces the stored one. A module that is not
// accepted gets a *[scripts.RejectedError].
func (h *Host) Upload(ctx context.Context, name string, wasm []byte, signature string) (scripts.Module, bool, error) {
	if !scripts.ValidName(name) {
		return scripts.Module{}, false, scripts.Reject("name %q: a script's name is %s", name, scripts.NameRule)
	}
	if err := h.checkSignature(wasm, signature); err != nil {
		return scripts.Module{}, false, err
	}
	verdict, err := h.sandbox.Vet(ctx, wasm)
	if err != nil {
		return scripts.Module{}, false, err
	}
	verdict.Name, verdict.Signature = name, signature
	verdict.CreatedAt = h.now()
	return h.config.Modules.AddModule(ctx, verdict, wasm)
}
