package engine

import (
	"context"
	"maps"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An Operation is what a registration is for.
type Operation string

// OperationRegister makes a client.
const OperationRegister Operation = "register"

// A Mode says whether the outcome of a registration counts.
type Mode string

// The modes of a registration.
const (
	ModeEnforce Mode = "enforce"
	ModeDryRun  Mode = "dry_run" // nothing is stored
	ModeShadow  Mode = "shadow"  // nothing is stored; another registration of the same request counts
	ModeReplay  Mode = "replay"  // a stored client's registration once more; nothing is stored
)

// A Registration is one request on its way through the steps: what IdentityServer calls its context. The steps change
// it; it belongs to one goroutine.
type Registration struct {
	Operation Operation
	Mode      Mode
	Now       time.Time // when the request arrived: UTC, in whole microseconds

	Client    *Client // as built so far; never nil
	Request   *Request
	Caller    *Caller
	Statement jsontext.Value    // the verified claims of the software statement, an object; nil where there is none
	Items     map[string]string // state that scripts pass on; nil while there is none

	// Secret is the client's secret where it got one, in the clear, until it is answered. Its hash is in Client.
	Secret Plaintext
	// Token is the registration access token, likewise; empty where clients do not manage themselves. It is made before the
	// first step, and no step changes it.
	Token Plaintext
	// Response is the answer to the client; nil until the last step has returned, unless a step that replaces
	// build_response sets it: then it has to be what the engine would answer.
	Response jsontext.Value

	current *Client        // what an update is of; nil for a registration
	given   jsontext.Value // claims that a dry run takes for verified; nil where there are none
	patches int            // how many were applied, discarded ones included
	attempt int            // how often add_client_id ran again because an ID was taken
	outcome error          // what Register returned; nil until it does

	sent       *Request   // as the client sent it: Request has the claims of its software statement in place of its members
	advertised Advertised // nil means that nothing is bounded
	document   string     // the URL of the client's metadata document; "" for a client that registers
	steps      *Steps
	engine     *Engine
}

// Attempt says how often add_client_id ran again because the client ID turned out to be taken: 0 the first time. Each
// attempt needs scripts that have not seen the one before.
func (r *Registration) Attempt() int { return r.attempt }

// Outcome is what [Engine.Register] returns, known to whoever releases the registration's steps.
func (r *Registration) Outcome() error { return r.outcome }

// Rerun takes the request of a registration that has ended through the steps of other overrides, at the same time by its
// clock, and stores nothing. It returns the registration as far as it came, and why it came no further.
func (r *Registration) Rerun(ctx context.Context, mode Mode, overrides Overrides) (*Registration, error) {
	if r.current != nil {
		again, err := r.engine.newUpdate(r.current, "", r.sent, mode)
		if err != nil {
			return nil, err
		}
		again.Now = r.Now
		return again, again.preview(ctx, overrides)
	}
	again, err := r.engine.newRegistration(r.sent, r.Caller, mode)
	if err != nil {
		return nil, err
	}
	if r.document != "" {
		again.nameByDocument(r.document)
	}
	again.Now, again.Client.IssuedAt = r.Now, r.Now
	return again, again.preview(ctx, overrides)
}

// A Snapshot is what a step may have changed of a registration.
type Snapshot struct {
	client    Client
	request   *Request // with the claims of a software statement, or without
	statement jsontext.Value
	items     map[string]string
	secret    Plaintext
	response  jsontext.Value
	patches   int // how many were applied before
}

// Snapshot returns the state of r, for [Registration.Restore].
func (r *Registration) Snapshot() Snapshot {
	return Snapshot{client: *r.Client, request: r.Request, statement: r.Statement, items: maps.Clone(r.Items), secret: r.Secret, response: r.Response, patches: r.patches}
}

// Restore discards all that happened to r since s was taken. A snapshot can be restored more than once.
func (r *Registration) Restore(s Snapshot) {
	*r.Client = s.client
	r.Request, r.Statement = s.request, s.statement
	r.Items = maps.Clone(s.items)
	r.Secret = s.secret
	r.Response = s.response
}

// SetItem sets an item.
func (r *Registration) SetItem(key, value string) {
	if r.Items == nil {
		r.Items = make(map[string]string)
	}
	r.Items[key] = value
}

// run takes r through the steps of one of the two tables below.
func (r *Registration) run(ctx context.Context, steps []func(*Steps) *StepFunc) error {
	for _, field := range steps {
		if err := (*field(r.steps))(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
