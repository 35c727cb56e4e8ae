package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/strictjson"
)

// OperationUpdate replaces a client's metadata (RFC 7592 §2.2).
const OperationUpdate Operation = "update"

// AuthRegistrationAccessToken means that a client manages its own registration (RFC 7592 §2).
const AuthRegistrationAccessToken Auth = "registration_access_token"

// ErrConflict reports that a client was changed or deleted after it was read.
var ErrConflict = errors.New("the client was changed meanwhile")

// Update runs the steps for a request to update a client, and stores the result in its place. Members that the request
// leaves out return to their defaults (RFC 7592 §2.2). current is the client as read, token the registration access
// token presented for it. The validation steps and build_response run; add_client_secret runs if the client now needs a
// shared secret and has none, and generate_secret, as [OperationRotateSecret], if the secret is renewed. Scripts see
// the caller that registered the client.
//
// Its results are those of [Engine.Register]. It returns ErrConflict, and changes nothing, if current is out of date.
func (e *Engine) Update(
	ctx context.Context, current *Client, token Plaintext, request *Request,
) (*Registration, error) {
	r, err := e.newUpdate(current, token, request, ModeEnforce)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.update)
}

// update runs the steps of an update or a rotation, and stores the client.
func (e *Engine) update(ctx context.Context, r *Registration) error {
	if err := r.complete(ctx); err != nil {
		return err
	}
	// The acts of these steps belong to the change. The registration's provenance stays as it is.
	r.Client.Updated = &Update{At: r.Now, Provenance: r.Client.Provenance}
	r.Client.Provenance = r.current.Provenance
	if err := e.store.UpdateClient(ctx, r.Client); err != nil {
		return fmt.Errorf("storing the client: %w", err)
	}
	return nil
}

// settleSecret sets an updated client's secret: it keeps or renews the current one, makes one if the client now needs
// one, or drops it if the client no longer does.
func (r *Registration) settleSecret(ctx context.Context) error {
	switch {
	case !usesSharedSecret(r.Client.Metadata.TokenEndpointAuthMethod):
		return nil
	case r.current.Secret == nil:
		r.Client.SecretIssuedAt = r.Now
		return r.runStep(ctx, StepAddClientSecret, r.steps.AddClientSecret)
	case r.retries || r.admin == nil && r.current.secretDue(r.Now):
		return r.renewSecret(ctx)
	}
	r.Client.Secret, r.Client.SecretIssuedAt = r.current.Secret, r.current.SecretIssuedAt
	if r.current.keepsPrevious(r.Now) {
		r.Client.PreviousSecret, r.Client.RetryUntil = r.current.PreviousSecret, r.current.RetryUntil
	}
	return nil
}

// newUpdate returns an update before its first step. If token is empty, begin makes a new one.
func (e *Engine) newUpdate(current *Client, token Plaintext, request *Request, mode Mode) (*Registration, error) {
	now := e.timestamp()
	retries := current.retries(request, now)
	request, err := request.forUpdate(current, now)
	if err != nil {
		return nil, err
	}
	if e.options.RotateRegistrationToken {
		token = ""
	}
	caller := current.Caller
	caller.Auth = AuthRegistrationAccessToken
	r := newUpdateOf(current, request, mode, now)
	r.Caller, r.Token, r.retries = &caller, token, retries
	return e.begin(r)
}

// newUpdateOf returns an update without a caller and a token.
func newUpdateOf(current *Client, request *Request, mode Mode, now time.Time) *Registration {
	return &Registration{
		Operation: OperationUpdate,
		Mode:      mode,
		Now:       now,
		Request:   request,
		current:   current,
		Client: &Client{ID: current.ID, RegistrationID: current.RegistrationID, IssuedAt: current.IssuedAt,
			Caller: current.Caller, SeenAt: current.SeenAt, Version: current.Version, Status: current.Status,
			AdminActs: current.AdminActs},
	}
}

// forUpdate checks the members that only update requests have, and returns the request as scripts see it, without
// client_secret.
func (q *Request) forUpdate(current *Client, now time.Time) (*Request, error) {
	if err := q.checkServerMembers(); err != nil {
		return nil, err
	}
	// RFC 7592 §2.2: client_id is REQUIRED and MUST be the client's own.
	id, err := q.reservedText("client_id")
	switch {
	case err != nil:
		return nil, err
	case id == "":
		return nil, Refuse("client_id is missing: it must be the client ID in registration_client_uri")
	case id != current.ID:
		return nil, Refuse("client_id must be the client ID in registration_client_uri")
	}
	return q.withOwnSecret(current, now)
}

// forChange is forUpdate for an administrator, who names the client in the path.
func (q *Request) forChange(current *Client, now time.Time) (*Request, error) {
	if err := q.checkServerMembers(); err != nil {
		return nil, err
	}
	id, err := q.reservedText("client_id")
	if err != nil {
		return nil, err
	}
	if id != "" && id != current.ID {
		return nil, Refuse("client_id must be the client ID in the path: an ID cannot be changed")
	}
	return q.withOwnSecret(current, now)
}

// checkServerMembers refuses members that only the server sets.
func (q *Request) checkServerMembers() error {
	// RFC 7592 §2.2: the request MUST NOT include these. As everywhere, "" means that a member is missing.
	for _, name := range [...]string{"registration_access_token", "registration_client_uri", "client_id_issued_at",
		"client_secret_expires_at"} {
		if value, sent := q.Metadata.Other[name]; sent && string(value) != `""` {
			return Refuse("%s must be left out: only the server sets it", name)
		}
	}
	return nil
}

// withOwnSecret checks that client_secret is the client's own if it is sent, and returns the request without it.
func (q *Request) withOwnSecret(current *Client, now time.Time) (*Request, error) {
	// RFC 7592 §2.2: client_secret MUST match the issued secret, and cannot change it.
	secret, err := q.reservedText("client_secret")
	if err != nil {
		return nil, err
	}
	if secret != "" && !current.issued(Plaintext(secret), now) {
		return nil, Refuse("client_secret is not this client's secret: leave it out, an update cannot set it")
	}
	return q.withoutSecret()
}

// withoutSecret returns the request as scripts see it, without client_secret.
func (q *Request) withoutSecret() (*Request, error) {
	other := q.Metadata.Other
	if _, sent := other["client_secret"]; !sent {
		return q, nil
	}
	raw, err := without(q.Raw, "client_secret")
	if err != nil {
		return nil, fmt.Errorf("removing the secret from the request: %w", err)
	}
	seen := &Request{Metadata: q.Metadata, Raw: raw, ID: q.ID}
	seen.Metadata.Other = maps.Clone(other)
	delete(seen.Metadata.Other, "client_secret")
	return seen, nil
}

// reservedText returns a member without a field, which must be a string; "" if it is missing.
func (q *Request) reservedText(name string) (string, error) {
	value, sent := q.Metadata.Other[name]
	switch {
	case !sent:
		return "", nil
	case value.Kind() != '"':
		return "", Refuse("%s must be a string%s", name, strictjson.Not(value.Kind()))
	}
	return text(value)
}

// without returns an object without a member.
func without(object jsontext.Value, member string) (jsontext.Value, error) {
	var out bytes.Buffer
	from := jsontext.NewDecoder(bytes.NewReader(object))
	to := jsontext.NewEncoder(&out, jsontext.PreserveRawStrings(true))
	for {
		if from.StackDepth() == 1 && from.PeekKind() == '"' {
			name, err := from.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			value, err := from.ReadValue()
			if err != nil {
				return nil, err
			}
			if key == member {
				continue
			}
			if err := errors.Join(to.WriteToken(jsontext.String(key)), to.WriteValue(value)); err != nil {
				return nil, err
			}
			continue
		}
		token, err := from.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), nil
		}
		if err != nil {
			return nil, err
		}
		if err := to.WriteToken(token); err != nil {
			return nil, err
		}
	}
}

// checkIdentity checks that the steps of an update did not change the client's identity.
func checkIdentity(r *Registration) error {
	c, is := r.Client, r.current
	if is == nil {
		return nil
	}
	if c.ID != is.ID || c.RegistrationID != is.RegistrationID || !c.IssuedAt.Equal(is.IssuedAt) ||
		c.Version != is.Version {
		return fmt.Errorf("the client is not the one to update")
	}
	return nil
}
