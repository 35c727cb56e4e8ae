// Package engine takes a request to register an OAuth 2.0 client through the steps of a registration. The steps
// validate the metadata (RFC 7591, OpenID Connect Dynamic Client Registration 1.0), add a client ID and a client
// secret, and build the response; every step is a field of [Steps] that can be replaced or wrapped. After the steps the
// engine checks what no override may weaken, then hands the client to the store. It knows neither HTTP, SQL nor
// WebAssembly. See [Engine.Register].
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// A ClientStore keeps clients.
type ClientStore interface {
	// AddClient stores c durably before it returns, or returns ErrExists if c.ID is taken. Where c.Caller registered with
	// an initial access token, one of the token's uses is taken if and only if c is stored; with none left it returns
	// ErrTokenSpent.
	AddClient(ctx context.Context, c *Client) error
	// UpdateClient stores c durably, with the next version, in place of the client that it was made from: the one with
	// c.ID, c.RegistrationID and c.Version. It returns ErrConflict if that one is not there any more. It leaves SeenAt alone.
	UpdateClient(ctx context.Context, c *Client) error
}

// Overrides returns the steps of one registration, given the built-in ones. The engine calls it once for each
// registration, and release when the registration has ended.
type Overrides func(r *Registration, base Steps) (steps Steps, release func())

// Config is what an Engine is made of.
type Config struct {
	Store     ClientStore // may be nil where only Preview is used
	Options   Options
	Overrides Overrides // nil means that the built-in steps run
	// Advertised returns what the authorization server's metadata bounds, or an error while that is not known; nil means
	// that nothing is bounded.
	Advertised func() (Advertised, error)
	// Fetch returns the JSON document at a URL that a client named. Unless ctx has ended, its error says to the client why
	// there is none. nil means that such URLs are checked for their form alone.
	Fetch func(ctx context.Context, url string) ([]byte, error)
	// StatementKeys returns the keys that a software statement of that issuer may be signed with, by the ID of the key (""
	// is any) and the algorithm; none where it has no such key. An issuer that is not trusted gives an error that is
	// ErrUntrusted. nil means that no issuer is trusted.
	StatementKeys func(ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error)
	Random        io.Reader        // of IDs, secrets and salts; nil means crypto/rand
	Now           func() time.Time // nil means time.Now
}

// An Engine registers clients. It is safe for concurrent use.
type Engine struct {
	store     ClientStore
	options   Options
	overrides Overrides
	random    io.Reader
	now       func() time.Time

	advertised    func() (Advertised, error)
	fetch         func(ctx context.Context, url string) ([]byte, error)
	statementKeys func(ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error)

	validation []func(*Steps) *StepFunc
	processing []func(*Steps) *StepFunc
}

// New returns an Engine, or an error that names the option that is wrong.
func New(c Config) (*Engine, error) {
	options, err := c.Options.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{store: c.Store, options: options, overrides: c.Overrides, random: cmp.Or(c.Random, rand.Reader), now: c.Now,
		advertised: c.Advertised, fetch: c.Fetch, statementKeys: c.StatementKeys}
	if e.now == nil {
		e.now = time.Now
	}
	if e.overrides == nil {
		e.overrides = func(_ *Registration, base Steps) (Steps, func()) { return base, func() {} }
	}
	e.validation, e.processing = engineSteps()
	return e, nil
}

// engineSteps returns the steps that the engine itself calls: those that an update runs too, and the rest. After the
// validation steps stands what holds for their result and is no step: what is advertised bounds updates too.
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
	bounded := StepFunc(checkAdvertised)
	return append(validation, func(*Steps) *StepFunc { return &bounded }), processing
}

// maxRepetitions bounds how often add_client_id and what follows run again because the client ID was taken.
const maxRepetitions = 3

// Register takes a request through all steps and stores the client. When it returns nil the client is stored durably
// and the registration holds the response. It returns an *[Error] where the request is refused, an error that is
// [ErrUnavailable] where it may succeed later, and any other error where the server or a script failed; nothing is
// stored then.
func (e *Engine) Register(ctx context.Context, request *Request, caller *Caller) (*Registration, error) {
	r, err := e.newRegistration(request, caller, ModeEnforce)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.register)
}

// conclude takes a registration that counts to its end: work runs its steps and stores what they made.
func (r *Registration) conclude(ctx context.Context, work func(context.Context, *Registration) error) (*Registration, error) {
	release := r.override(r.engine.overrides)
	defer release()
	r.outcome = errUnfinished // should a step panic
	if r.outcome = work(ctx, r); r.outcome != nil {
		return nil, r.outcome
	}
	return r, nil
}

var errUnfinished = errors.New("the registration did not come to an end")

func (e *Engine) register(ctx context.Context, r *Registration) error {
	if err := r.run(ctx, e.validation); err != nil {
		return err
	}
	entry := r.Snapshot()
	var taken []string
	for {
		if err := r.finish(ctx); err != nil {
			return err
		}
		err := e.store.AddClient(ctx, r.Client)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, ErrExists):
			return fmt.Errorf("storing the client: %w", err)
		case slices.Contains(taken, r.Client.ID):
			// The ID does not depend on chance: to ask once more would not help.
			return Refuse("the client_id %s is taken", r.Client.ID)
		case r.attempt == maxRepetitions:
			return fmt.Errorf("every one of %d client IDs was taken, at last %q", r.attempt+1, r.Client.ID)
		}
		taken = append(taken, r.Client.ID)
		r.Restore(entry)
		r.attempt++
	}
}

// Preview takes a request through all steps of the given overrides and stores nothing: a dry run. It returns the
// registration as far as it came, and what [Engine.Register] would have returned, but for what only the store knows.
// Request.Statement stands for a software statement that was verified.
func (e *Engine) Preview(ctx context.Context, request *Request, caller *Caller, overrides Overrides) (*Registration, error) {
	r, err := e.newRegistration(request, caller, ModeDryRun)
	if err != nil {
		return nil, err
	}
	r.Statement, r.given = request.Statement, request.Statement
	return r, r.preview(ctx, overrides)
}

// preview takes r through all steps of the given overrides.
func (r *Registration) preview(ctx context.Context, overrides Overrides) error {
	release := r.override(overrides)
	defer release()
	return r.complete(ctx)
}

// newRegistration returns the registration of a new client before its first step.
func (e *Engine) newRegistration(request *Request, caller *Caller, mode Mode) (*Registration, error) {
	id, err := uuid.NewRandomFromReader(e.random)
	if err != nil {
		return nil, fmt.Errorf("naming the registration: %w", err)
	}
	now := e.timestamp()
	return e.begin(&Registration{
		Operation: OperationRegister,
		Mode:      mode,
		Now:       now,
		Request:   request,
		Caller:    caller,
		Client:    &Client{RegistrationID: id, IssuedAt: now, Caller: *caller},
	})
}

// begin completes a registration before its first step: with what is advertised, the extension members that are kept,
// and a registration access token where it needs one and has none.
func (e *Engine) begin(r *Registration) (*Registration, error) {
	r.engine, r.sent = e, r.Request
	var err error
	if e.advertised != nil {
		if r.advertised, err = e.advertised(); err != nil {
			return nil, err
		}
	}
	r.keepExtensions()
	if r.Token == "" && (r.current != nil || e.Managed()) {
		if r.Token, err = e.newToken(); err != nil {
			return nil, err
		}
	}
	if r.Token != "" {
		r.Client.TokenHash = new(HashToken(r.Token))
	}
	return r, nil
}

// timestamp returns the time as registrations have it: UTC, in whole microseconds.
func (e *Engine) timestamp() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// keepExtensions copies the extension members that the operator lists.
func (r *Registration) keepExtensions() {
	for name, value := range r.Request.Metadata.Other {
		if slices.Contains(r.engine.options.EchoExtensions, name) {
			r.Client.Metadata.setOther(name, value)
		}
	}
}

// override puts the registration's own steps in place.
func (r *Registration) override(overrides Overrides) (release func()) {
	steps, release := overrides(r, builtin())
	r.steps = &steps
	return release
}

// complete takes r through all its steps and checks what they made.
func (r *Registration) complete(ctx context.Context) error {
	if err := r.run(ctx, r.engine.validation); err != nil {
		return err
	}
	return r.finish(ctx)
}

// finish runs the steps that follow the validation and checks what all of them made. Only a new client needs an ID and
// a secret of its own: one that is named by its metadata document has an ID and no secret, and an update keeps both.
func (r *Registration) finish(ctx context.Context) error {
	steps := r.engine.processing
	if r.Operation != OperationRegister {
		steps = steps[len(steps)-1:] // build_response
	}
	if r.Operation == OperationUpdate {
		if err := r.settleSecret(ctx); err != nil {
			return err
		}
	}
	if err := r.run(ctx, steps); err != nil {
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
