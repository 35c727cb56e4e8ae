package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An Operation is the kind of a registration.
type Operation string

// OperationRegister registers a new client.
const OperationRegister Operation = "register"

// A Mode says whether the outcome of a registration counts.
type Mode string

// The modes of a registration.
const (
	ModeEnforce Mode = "enforce"
	ModeDryRun  Mode = "dry_run" // nothing is stored
	ModeShadow  Mode = "shadow"  // nothing is stored; another registration of the same request counts
	ModeReplay  Mode = "replay"  // repeats a stored client's registration; nothing is stored
)

// A Registration is the state of one request in the steps, which modify it. It is not safe for concurrent use.
type Registration struct {
	Operation Operation
	Mode      Mode
	Now       time.Time // when the request arrived: UTC, in whole microseconds

	Client    *Client // as built so far; never nil
	Request   *Request
	Caller    *Caller
	Statement jsontext.Value    // verified claims of the software statement, an object; nil means none
	Items     map[string]string // state that scripts pass to later scripts; nil means none; see SetItem

	// Secret is the client's new secret in plain text, for the response; "" means none. Client has its hash.
	Secret Plaintext
	// Token is the registration access token in plain text, for the response; "" means that clients do not manage their
	// registrations. It is made before the first step, and no step can change it.
	Token Plaintext
	// Response is the client information response; nil until the last step has returned. A step may set it, but only to
	// what the engine would send.
	Response jsontext.Value

	admin   *AdminCall     // of the administrator who asked for it; nil means that the client did
	current *Client        // the client to change, as read; nil for a registration
	retries bool           // the update sent the previous secret, for a new one
	grace   time.Duration  // of the secret that a rotation replaces
	given   jsontext.Value // claims that a dry run takes as verified; nil means none
	patches int            // number of applied patches, discarded ones included
	sets    int            // number of items that were set, discarded ones included
	shared  bool           // a snapshot has Items too: they must not be modified
	reached int            // number of steps in StepTable up to the last built-in one that has begun
	depth   int            // number of built-in steps that are running
	attempt int            // see Attempt
	outcome error          // what Register returned; nil before that
	failed  string         // name of the innermost step that returned the last error; "" means none

	watched []watchedMember // members that scripts patched; see Overwritten
	written writtenClient   // see ClientDocument

	sent       *Request      // as sent; validate_software_statement overlays Request with the statement's claims
	advertised Advertised    // nil means no limits
	checked    checkedKeys   // the last valid jwks
	redirects  []uri         // the last valid redirect URIs; see parseRedirectURIs
	salted     *saltedSecret // the last secret that a script chose; nil means none
	document   string        // URL of the client's metadata document; "" means none
	steps      *Steps
	engine     *Engine
}

// Attempt returns how often add_client_id has been repeated because the client ID was taken. Each attempt needs fresh
// instances of scripts.
func (r *Registration) Attempt() int { return r.attempt }

// Outcome returns the error of [Engine.Register]. It is valid when the registration's steps are released.
func (r *Registration) Outcome() error { return r.outcome }

// Rerun repeats a registration that has ended with other overrides, with the same request and time, and stores nothing.
// It returns the registration as far as it got, and the error that ended it.
func (r *Registration) Rerun(ctx context.Context, mode Mode, overrides Overrides) (*Registration, error) {
	if r.current != nil {
		again, err := r.again(mode)
		if err != nil {
			return nil, err
		}
		again.Now, again.retries = r.Now, r.retries
		return again, again.preview(ctx, overrides)
	}
	again, err := r.repeated(mode)
	if err != nil {
		return nil, err
	}
	if r.document != "" {
		again.nameByDocument(r.document)
	}
	again.Now, again.Client.IssuedAt = r.Now, r.Now
	return again, again.preview(ctx, overrides)
}

// repeated returns the registration of a new client before its first step once more.
func (r *Registration) repeated(mode Mode) (*Registration, error) {
	if r.admin != nil {
		return r.engine.newAdminRegistration(r.sent, r.admin, mode)
	}
	return r.engine.newRegistration(r.sent, r.Caller, mode)
}

// again returns a change of a client before its first step once more.
func (r *Registration) again(mode Mode) (*Registration, error) {
	switch {
	case r.Operation == OperationRotateSecret:
		return r.engine.newRotation(r.current, r.grace, r.sent.ID, mode, r.admin)
	case r.admin != nil:
		return r.engine.newChange(r.current, r.sent, mode, r.admin)
	}
	return r.engine.newUpdate(r.current, "", r.sent, mode)
}

// A Snapshot holds what steps can change in a registration.
type Snapshot struct {
	client    Client
	request   *Request
	statement jsontext.Value
	items     map[string]string
	secret    Plaintext
	response  jsontext.Value
	patches   int
	sets      int
	watched   []watchedMember
}

// Snapshot returns the state of r, for [Registration.Restore].
func (r *Registration) Snapshot() (s Snapshot) {
	r.SnapshotTo(&s)
	return s
}

// SnapshotTo is Snapshot into s, which it overwrites.
func (r *Registration) SnapshotTo(s *Snapshot) {
	r.shared = true
	s.client = *r.Client
	s.request, s.statement = r.Request, r.Statement
	s.items, s.sets = r.Items, r.sets
	s.secret, s.response = r.Secret, r.Response
	s.patches, s.watched = r.patches, r.watched
}

// Restore discards all changes to r since s was taken. A snapshot can be restored more than once.
func (r *Registration) Restore(s *Snapshot) {
	*r.Client = s.client
	// The store may hold the acts that came after those of s: acts that are appended next must not overwrite them.
	r.Client.Provenance.Acts = slices.Clip(r.Client.Provenance.Acts)
	r.Request, r.Statement = s.request, s.statement
	r.Items, r.shared = s.items, true
	r.Secret = s.secret
	r.Response = s.response
	r.watched = s.watched
	r.ForgetDocument()
}

// SetItem sets an item. Snapshots may share Items, which therefore must not be modified otherwise.
func (r *Registration) SetItem(key, value string) {
	if r.shared {
		r.Items, r.shared = maps.Clone(r.Items), false
	}
	if r.Items == nil {
		r.Items = make(map[string]string)
	}
	r.Items[key] = value
	r.sets++
}

// run runs steps until one returns an error or ctx has ended.
func (r *Registration) run(ctx context.Context, steps []Step) error {
	for i := range steps {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("registering a client: %w", err)
		}
		r.failed = "" // a script may have overruled the refusal of a step before
		if err := r.runStep(ctx, steps[i].Name, *steps[i].Field(r.steps)); err != nil {
			return err
		}
	}
	r.failed = ""
	return nil
}

// runStep runs one step and notes its name if it fails, unless a nested step has failed.
func (r *Registration) runStep(ctx context.Context, name string, step StepFunc) error {
	r.ForgetDocument()
	err := step(ctx, r)
	if err != nil && r.failed == "" {
		r.failed = name
	}
	return err
}
