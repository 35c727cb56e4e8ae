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

	// Secret is the client's secret where it has one, in the clear, until it is answered. Its hash is in Client.
	Secret Plaintext
	// Response is the answer to the client, made by build_response; nil until then.
	Response jsontext.Value

	attempt int // how often add_client_id ran again because an ID was taken
	steps   *Steps
	engine  *Engine
}

// Attempt says how often add_client_id ran again because the client ID turned out to be taken: 0 the first time. Each
// attempt needs scripts that have not seen the one before.
func (r *Registration) Attempt() int { return r.attempt }

// A Snapshot is what a step may have changed of a registration.
type Snapshot struct {
	client   Client
	items    map[string]string
	secret   Plaintext
	response jsontext.Value
}

// Snapshot returns the state of r, for [Registration.Restore].
func (r *Registration) Snapshot() Snapshot {
	return Snapshot{client: *r.Client, items: maps.Clone(r.Items), secret: r.Secret, response: r.Response}
}

// Restore discards all that happened to r since s was taken. A snapshot can be restored more than once.
func (r *Registration) Restore(s Snapshot) {
	*r.Client = s.client
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
