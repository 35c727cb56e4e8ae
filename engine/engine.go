// Package engine takes a request to register an OAuth 2.0 client through the steps of a registration. The steps
// validate the metadata (RFC 7591, OpenID Connect Dynamic Client Registration 1.0), add a client ID and a client secret,
// and build the response; every step is a field of [Steps] that can be replaced or wrapped. After the steps the engine
// checks what no override may weaken, then hands the client to the store. It knows neither HTTP, SQL nor WebAssembly.
// See [Engine.Register].
package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
)

// A ClientStore keeps clients.
type ClientStore interface {
	// AddClient stores c durably before it returns, or returns ErrExists if c.ID is taken.
	AddClient(ctx context.Context, c *Client) error
}

// Overrides returns the steps of one registration, given the built-in ones. The engine calls it once for each
// registration, and release when the registration has ended.
type Overrides func(r *Registration, base Steps) (steps Steps, release func())

// Config is what an Engine is made of.
type Config struct {
	Store     ClientStore // may be nil where only Preview is used
	Options   Options
	Overrides Overrides        // nil means that the built-in steps run
	Random    io.Reader        // of IDs, secrets and salts; nil means crypto/rand
	Now       func() time.Time // nil means time.Now
}

// An Engine registers clients. It is safe for concurrent use.
type Engine struct {
	store     ClientStore
	options   Options
	overrides Overrides
	random    io.Reader
	now       func() time.Time

	validation []func(*Steps) *StepFunc
	processing []func(*Steps) *StepFunc
}

// New returns an Engine, or an error that names the option that is wrong.
func New(c Config) (*Engine, error) {
	options, err := c.Options.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{store: c.Store, options: options, overrides: c.Overrides, random: c.Random, now: c.Now}
	if e.random == nil {
		e.random = rand.Reader
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.overrides == nil {
		e.overrides = func(_ *Registration, base Steps) (Steps, func()) { return base, func() {} }
	}
	e.validation, e.processing = engineSteps()
	return e, nil
}

// engineSteps returns the steps that the engine itself calls: those that an update runs too, and the rest.
func engineSteps() (validation, processing []func(*Steps) *StepFunc) {
	for _, step := range StepTable() {
		switch {
		case step.Nested:
		case step.Name == StepAddClientID || len(processing) > 0:
			processing = append(processing, step.Field)
		default:
			validation = append(validation, step.Field)
		}
	}
	return validation, processing
}

// maxRepetitions bounds how often add_client_id and what follows run again because the client ID was taken.
const maxRepetitions = 3

// Register takes a request through all steps and stores the client. When it returns nil the client is stored durably
// and the registration holds the response. It returns an *[Error] where the request is refused, an error that is
// [ErrUnavailable] where it may succeed later, and any other error where the server or a script failed; nothing is
// stored then.
func (e *Engine) Register(ctx context.Context, request *Request, caller *Caller) (*Registration, error) {
	r, err := e.begin(request, caller, ModeEnforce)
	if err != nil {
		return nil, err
	}
	release := r.override(e.overrides)
	defer release()

	if err := r.run(ctx, e.validation); err != nil {
		return nil, err
	}
	entry := r.Snapshot()
	var taken []string
	for {
		if err := r.finish(ctx); err != nil {
			return nil, err
		}
		err := e.store.AddClient(ctx, r.Client)
		switch {
		case err == nil:
			return r, nil
		case !errors.Is(err, ErrExists):
			return nil, fmt.Errorf("storing the client: %w", err)
		case slices.Contains(taken, r.Client.ID):
			// The ID does not depend on chance: to ask once more would not help.
			return nil, Refuse("the client_id %s is taken", r.Client.ID)
		case r.attempt == maxRepetitions:
			return nil, fmt.Errorf("every one of %d client IDs was taken, at last %q", r.attempt+1, r.Client.ID)
		}
		taken = append(taken, r.Client.ID)
		r.Restore(entry)
		r.attempt++
	}
}

// Preview takes a request through all steps of the given overrides and stores nothing: a dry run. It returns the
// registration as far as it came, and what [Engine.Register] would have returned, but for what only the store knows.
func (e *Engine) Preview(ctx context.Context, request *Request, caller *Caller, overrides Overrides) (*Registration, error) {
	r, err := e.begin(request, caller, ModeDryRun)
	if err != nil {
		return nil, err
	}
	release := r.override(overrides)
	defer release()

	if err := r.run(ctx, e.validation); err != nil {
		return r, err
	}
	return r, r.finish(ctx)
}

// begin returns a registration before its first step. Its client is empty but for the extension members that are kept.
func (e *Engine) begin(request *Request, caller *Caller, mode Mode) (*Registration, error) {
	id, err := uuid.NewRandomFromReader(e.random)
	if err != nil {
		return nil, fmt.Errorf("naming the registration: %w", err)
	}
	r := &Registration{
		Operation: OperationRegister,
		Mode:      mode,
		Now:       e.now().UTC().Truncate(time.Microsecond),
		Request:   request,
		Caller:    caller,
		engine:    e,
	}
	r.Client = &Client{Registration: id, IssuedAt: r.Now, Caller: *caller}
	for name, value := range request.Metadata.Other {
		if slices.Contains(e.options.EchoExtensions, name) {
			r.Client.Metadata.setOther(name, value)
		}
	}
	return r, nil
}

// override puts the registration's own steps in place.
func (r *Registration) override(overrides Overrides) (release func()) {
	steps, release := overrides(r, builtin())
	r.steps = &steps
	return release
}

// finish runs the steps from add_client_id on and checks what they made.
func (r *Registration) finish(ctx context.Context) error {
	if err := r.run(ctx, r.engine.processing); err != nil {
		return err
	}
	return r.checkInvariants()
}

// builtin returns the steps as they are where no script overrides one.
func builtin() Steps {
	return Steps{
		ValidateSoftwareStatement:      validateSoftwareStatement,
		SetGrantTypes:                  setGrantTypes,
		SetRedirectURIs:                setRedirectURIs,
		SetScopes:                      setScopes,
		SetDefaultScopes:               setDefaultScopes,
		SetSecrets:                     setSecrets,
		SetClientName:                  setClientName,
		SetLogoutParameters:            setLogoutParameters,
		SetMaxAge:                      setMaxAge,
		SetUserInterfaceProperties:     setUserInterfaceProperties,
		SetPublicClientProperties:      setPublicClientProperties,
		SetAccessTokenProperties:       setAccessTokenProperties,
		SetIDTokenProperties:           setIDTokenProperties,
		SetServerSideSessionProperties: setServerSideSessionProperties,
		AddClientID:                    addClientID,
		AddClientSecret:                addClientSecret,
		GenerateSecret:                 generateSecret,
		BuildResponse:                  buildResponse,
	}
}
