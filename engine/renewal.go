package engine

import (
	"context"
	"fmt"
	"time"
)

// OperationRotateSecret gives a client another secret: [Engine.RotateSecret], or the renewal of a secret within an
// update (RFC 7592 §2.2: the server may issue a new secret). Only generate_secret runs as this operation, and its
// request is the registered metadata.
const OperationRotateSecret Operation = "rotate_secret"

// DefaultGrace is how long a secret stays valid when another one replaces it, unless the operator says otherwise.
const DefaultGrace = 24 * time.Hour

// RotateSecret runs generate_secret, and gives a client the new secret, which it returns. The old secret stays valid
// for grace, in whole seconds, but not beyond its own expiry; 0 revokes it. A previous secret is dropped. requestID
// identifies the request in logs. Scripts see the caller that registered the client. call is of the administrator who
// asked for it, and may choose the secret.
//
// RotateSecret updates current to the stored client. If it returns an error, it changed nothing: an *[Error] if a
// script refused the rotation, ErrConflict if current is out of date, and otherwise one as of [Engine.Register].
func (e *Engine) RotateSecret(
	ctx context.Context, current *Client, grace time.Duration, requestID string, call *AdminCall,
) (Plaintext, error) {
	r, err := e.newRotation(current, grace, requestID, ModeEnforce, call)
	if err != nil {
		return "", err
	}
	if r, err = r.conclude(ctx, e.update); err != nil {
		return "", err
	}
	*current = *r.Client
	current.Version++
	return r.Secret, nil
}

// newRotation returns a rotation before its only step.
func (e *Engine) newRotation(
	current *Client, grace time.Duration, requestID string, mode Mode, call *AdminCall,
) (*Registration, error) {
	request, err := current.asRequest(requestID)
	if err != nil {
		return nil, err
	}
	// Copies, since the caller's client changes after the rotation, which shadows may then repeat.
	read, changed, caller := *current, *current, current.Caller
	now := e.timestamp()
	changed.Provenance, changed.AdminActs = Provenance{}, call.Record(current.AdminActs, ActionSecretRotated, now)
	return &Registration{
		Operation: OperationRotateSecret,
		Mode:      mode,
		Now:       now,
		Request:   request,
		Caller:    &caller,
		Client:    &changed,
		admin:     call,
		current:   &read,
		grace:     grace,
		sent:      request,
		engine:    e,
	}, nil
}

// rotateSecret runs the step of a rotation and checks the result. The metadata is checked only if a script changed it:
// that of a client may no longer be what the operator allows to register.
func (r *Registration) rotateSecret(ctx context.Context) error {
	r.replaceSecret(r.grace)
	if err := r.issueSecret(ctx); err != nil {
		return err
	}
	checks := []func(*Registration) error{checkID, checkIdentity, checkTokenKept, checkSharedSecret}
	if r.patches > 0 {
		if err := r.findAdvertised(); err != nil {
			return err
		}
		checks = append(checks, checkMetadata)
	}
	return r.checkAll(checks)
}

// renewSecret gives the client of an update a new secret. If the client sent its previous secret, it has probably never
// received the current one, which becomes invalid, and the previous secret keeps its grace. Otherwise the current
// secret becomes the previous one.
func (r *Registration) renewSecret(ctx context.Context) error {
	if r.retries {
		r.Client.PreviousSecret, r.Client.RetryUntil = r.current.PreviousSecret, r.current.RetryUntil
	} else {
		r.replaceSecret(DefaultGrace)
	}
	registered, err := r.Client.asRequest(r.Request.ID)
	if err != nil {
		return err
	}
	operation, request := r.Operation, r.Request
	defer func() { r.Operation, r.Request = operation, request }()
	r.Operation, r.Request = OperationRotateSecret, registered
	return r.issueSecret(ctx)
}

// replaceSecret makes the current secret the previous one for a grace time, and leaves the client without a secret. An
// expired secret is kept too, so that the client can say which one it has; see [Client.RetryUntil].
func (r *Registration) replaceSecret(grace time.Duration) {
	c := r.Client
	c.Secret, c.PreviousSecret, c.RetryUntil = nil, nil, time.Time{}
	if r.current.Secret == nil || grace <= 0 {
		return
	}
	previous, end := *r.current.Secret, r.Now.Truncate(time.Second).Add(grace)
	if !previous.ExpiresAt.IsZero() {
		c.RetryUntil = end
	}
	if previous.ExpiresAt.IsZero() || end.Before(previous.ExpiresAt) {
		previous.ExpiresAt = end
	}
	c.PreviousSecret = &previous
}

// issueSecret runs generate_secret for a client without a secret.
func (r *Registration) issueSecret(ctx context.Context) error {
	r.Client.SecretIssuedAt = r.Now
	return r.runStep(ctx, StepGenerateSecret, r.steps.GenerateSecret)
}

// asRequest returns the client's metadata as scripts read a request.
func (c *Client) asRequest(id string) (*Request, error) {
	raw, err := c.Metadata.document("")
	if err != nil {
		return nil, fmt.Errorf("writing the metadata of client %s: %w", c.ID, err)
	}
	return &Request{Metadata: c.Metadata, Raw: raw, ID: id}, nil
}

// secretDue reports whether an update at now renews the client's secret, which must not be nil: it has expired, or is
// in the last quarter of its lifetime. The lifetime is the one with which the secret was issued.
func (c *Client) secretDue(now time.Time) bool {
	end := c.Secret.ExpiresAt
	if end.IsZero() {
		return false
	}
	issued := c.SecretIssuedAt
	if issued.IsZero() {
		issued = c.IssuedAt
	}
	lifetime := end.Sub(issued.Truncate(time.Second)) // expiries count from the whole second
	return !now.Before(end.Add(-lifetime / 4))
}

// retries reports whether an update sends the client's previous secret, to get a new one.
func (c *Client) retries(update *Request, now time.Time) bool {
	sent, err := update.reservedText("client_secret")
	if err != nil || sent == "" || c.Secret == nil || c.PreviousSecret == nil || !now.Before(c.RetryUntil) {
		return false
	}
	p := Plaintext(sent)
	return c.PreviousSecret.matches(p) && !c.Secret.matches(p) // a script may issue the same secret again
}

// keepsPrevious reports whether the client has a previous secret that is still of use at now: it is valid, or gets a
// new one.
func (c *Client) keepsPrevious(now time.Time) bool {
	return c.PreviousSecret != nil && (now.Before(c.PreviousSecret.ExpiresAt) || now.Before(c.RetryUntil))
}

// checkTokenKept checks that a rotation did not change the registration access token.
func checkTokenKept(r *Registration) error {
	if r.Token != "" || r.Client.TokenHash != r.current.TokenHash {
		return fmt.Errorf("the registration access token was changed")
	}
	return nil
}
