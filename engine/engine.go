// Package engine registers OAuth 2.0 clients in steps. The steps validate the metadata (RFC 7591, OpenID Connect
// Dynamic Client Registration 1.0), add a client ID and a client secret, and build the response. Every step is a field
// of [Steps] that can be replaced or wrapped. After the steps the engine checks invariants, which no override can
// weaken, and passes the client to the store. It knows neither HTTP, SQL nor WebAssembly. See [Engine.Register].
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// A ClientStore keeps clients.
type ClientStore interface {
	// AddClient stores c durably before it returns, or returns ErrExists if c.ID is taken. If c.Caller registered with an
	// initial access token, it spends one of the token's uses if and only if it stores c; if none is left it returns
	// ErrTokenSpent.
	AddClient(ctx context.Context, c *Client) error
	// UpdateClient durably replaces the client with c.ID, c.RegistrationID and c.Version by c, with the next version. It
	// returns ErrConflict if that client no longer exists. It does not change SeenAt.
	UpdateClient(ctx context.Context, c *Client) error
}

// Overrides returns the steps of one registration, given the built-in ones. The engine calls it once for each
// registration, and calls release when the registration has ended.
type Overrides func(r *Registration, base Steps) (steps Steps, release func())

// Config holds an Engine's dependencies and options.
type Config struct {
	Store     ClientStore // may be nil if only Preview is used
	Options   Options
	Overrides Overrides // nil means that the built-in steps run
	// Advertised returns the limits of the authorization server's metadata, or an error while they are unknown; nil means
	// no limits.
	Advertised func() (Advertised, error)
	// Fetch returns the JSON document at a URL that a client named. Clients read its error, unless ctx has ended or it is
	// ErrUnavailable. nil means that nothing is fetched: such URLs are checked only for their form.
	Fetch func(ctx context.Context, url string) ([]byte, error)
	// StatementKeys returns the issuer's keys for software statements that match a key ID ("" matches any) and an
	// algorithm, or no keys. It returns ErrUntrusted if the issuer is not trusted. nil means that no issuer is trusted.
	StatementKeys func(ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey,
		error)
	// TokenIssuer reports whether an issuer's access tokens may register clients. Statements of such an issuer must not be
	// mistaken for its tokens. nil means that there is no such issuer.
	TokenIssuer func(issuer string) bool
	// Refused is called when a registration, an update or a rotation is refused, with the error code and the name of the
	// step that refused it, or StepNone. It is not called for dry runs, shadows and replays. nil means that
	// nothing is called.
	Refused func(code Code, step string)
	Random  io.Reader        // for IDs, secrets and salts; nil means crypto/rand
	Now     func() time.Time // nil means time.Now
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
	statementKeys func(ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey,
		error)
	tokenIssuer func(issuer string) bool
	refused     func(code Code, step string)

	validation    []Step
	processing    []Step
	redirectHosts hostList // Options.HTTPRedirectHosts
}

// New returns an Engine, or an error that names an invalid option.
func New(c Config) (*Engine, error) {
	options, err := c.Options.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{store: c.Store, options: options, overrides: c.Overrides, random: cmp.Or(c.Random, rand.Reader),
		now: c.Now, advertised: c.Advertised, fetch: c.Fetch, statementKeys: c.StatementKeys,
		tokenIssuer: c.TokenIssuer,
		refused:     c.Refused}
	if e.now == nil {
		e.now = time.Now
	}
	if e.overrides == nil {
		e.overrides = func(_ *Registration, base Steps) (Steps, func()) { return base, func() {} }
	}
	e.validation, e.processing = engineSteps()
	if e.redirectHosts, err = parseHosts(options.HTTPRedirectHosts); err != nil {
		return nil, err
	}
	return e, nil
}

// engineSteps returns the steps that the engine itself calls: the validation steps, which updates run too, and the
// rest. Three functions that are not steps come last in validation, so that they run for updates too.
func engineSteps() (validation, processing []Step) {
	for _, step := range StepTable() {
		switch {
		case step.Nested:
		case step.Name == StepAddClientID || len(processing) > 0:
			processing = append(processing, step)
		default:
			validation = append(validation, step)
		}
	}
	for _, check := range [...]StepFunc{dropRepeatedURIs, checkExtensionStrings, checkAdvertised} {
		validation = append(validation, Step{Name: StepNone, Field: func(*Steps) *StepFunc { return &check }})
	}
	return validation, processing
}

// maxRepetitions bounds how often add_client_id and the steps after it run again because the client ID was taken.
const maxRepetitions = 3

// Register runs all steps for a request and stores the client. If it returns a nil error, the client is stored durably
// and the registration holds the response. Otherwise nothing is stored, unless the store reports that the outcome is
// unknown: the error is an *[Error] if the request is refused, wraps [ErrUnavailable] if the request may succeed later,
// and is another one if the server or a script failed.
func (e *Engine) Register(ctx context.Context, request *Request, caller *Caller) (*Registration, error) {
	r, err := e.newRegistration(request, caller, ModeEnforce)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.register)
}

// conclude completes an enforced registration: work runs its steps and stores the result.
func (r *Registration) conclude(
	ctx context.Context, work func(context.Context, *Registration) error,
) (*Registration, error) {
	release := r.override(r.engine.overrides)
	defer release()
	r.outcome = errUnfinished // remains if a step panics
	if r.outcome = work(ctx, r); r.outcome != nil {
		r.reportRefusal()
		return nil, r.outcome
	}
	return r, nil
}

// reportRefusal calls Config.Refused if the outcome is a refusal.
func (r *Registration) reportRefusal() {
	if r.engine.refused == nil {
		return
	}
	if refusal, refused := errors.AsType[*Error](r.outcome); refused {
		r.engine.refused(refusal.Code, cmp.Or(r.failed, StepNone))
	}
}

var errUnfinished = errors.New("the registration did not finish")

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
		case !errors.Is(err, ErrExists), r.admin != nil && r.admin.ClientID != "":
			return fmt.Errorf("storing the client: %w", err)
		case slices.Contains(taken, r.Client.ID):
			// The ID is not random: another attempt would return it again.
			r.failed = StepAddClientID
			return Refuse("the client_id %s is taken", r.Client.ID)
		case r.attempt == maxRepetitions:
			return fmt.Errorf("every one of %d client IDs was taken, the last one %q", r.attempt+1, r.Client.ID)
		}
		taken = append(taken, r.Client.ID)
		r.Restore(&entry)
		r.attempt++
	}
}

// Preview is a dry run: it runs all steps of the given overrides for a request and stores nothing. It returns the
// registration as far as it got, and the error that [Engine.Register] would have returned, errors of the store
// excepted. Request.Statement takes the place of a verified software statement.
func (e *Engine) Preview(
	ctx context.Context, request *Request, caller *Caller, overrides Overrides,
) (*Registration, error) {
	r, err := e.newRegistration(request, caller, ModeDryRun)
	if err != nil {
		return nil, err
	}
	r.Statement, r.given = request.Statement, request.Statement
	return r, r.preview(ctx, overrides)
}

// preview runs all steps of the given overrides.
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

// begin prepares a registration for its first step. It adds the advertised limits, the extension members to echo, and a
// registration access token if r needs one and has none.
func (e *Engine) begin(r *Registration) (*Registration, error) {
	r.engine, r.sent = e, r.Request
	if err := r.findAdvertised(); err != nil {
		return nil, err
	}
	r.keepExtensions(&r.Request.Metadata)
	keepsToken := r.current != nil && r.admin != nil
	if r.Token == "" && !keepsToken && (r.current != nil || e.Managed()) {
		var err error
		if r.Token, err = e.newToken(); err != nil {
			return nil, err
		}
	}
	if r.Token != "" {
		r.Client.TokenHash = new(HashToken(r.Token))
	}
	return r, nil
}

// findAdvertised sets the limits of the authorization server's metadata.
func (r *Registration) findAdvertised() (err error) {
	if r.engine.advertised != nil {
		r.advertised, err = r.engine.advertised()
	}
	return err
}

// timestamp returns the current time as registrations record it: UTC, in whole microseconds.
func (e *Engine) timestamp() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// keepExtensions copies the extension members of m that the operator lists.
func (r *Registration) keepExtensions(m *Metadata) {
	var others map[string]jsontext.Value
	for _, name := range r.engine.options.EchoExtensions {
		if value, there := m.Other[name]; there {
			others = r.Client.Metadata.extended(others, name, value)
		}
	}
	if others != nil {
		r.Client.Metadata.Other = others
	}
}

// override sets r.steps.
func (r *Registration) override(overrides Overrides) (release func()) {
	if r.admin != nil {
		overrides = r.admin.override(overrides)
	}
	steps, release := overrides(r, builtin())
	r.steps = &steps
	return release
}

// complete runs the steps of r and checks the result.
func (r *Registration) complete(ctx context.Context) error {
	if r.Operation == OperationRotateSecret {
		return r.rotateSecret(ctx)
	}
	if err := r.run(ctx, r.engine.validation); err != nil {
		return err
	}
	return r.finish(ctx)
}

// finish runs the steps after validation and checks the result. Only OperationRegister runs add_client_id and
// add_client_secret: a client with a metadata document has an ID and no secret. An update keeps its ID; settleSecret
// keeps, renews, makes or drops its secret.
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

// builtin returns the built-in steps. See [Registration.runBuiltin].
var builtin = sync.OnceValue(func() Steps {
	steps := unwatched()
	for number, step := range StepTable() {
		field := step.Field(&steps)
		run := *field
		*field = func(ctx context.Context, r *Registration) error { return r.runBuiltin(ctx, number, run) }
	}
	return steps
})

// unwatched returns the functions of the built-in steps.
func unwatched() Steps {
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
