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

// OperationUpdate changes a client (RFC 7592 §2.2).
const OperationUpdate Operation = "update"

// AuthRegistrationAccessToken is a client that manages itself (RFC 7592 §2).
const AuthRegistrationAccessToken Auth = "registration_access_token"

// ErrConflict reports that a client was changed or deleted after it was read.
var ErrConflict = errors.New("the client was changed meanwhile")

// Update takes a request to change a client through the steps and stores the outcome in its place. What the request
// leaves out goes back to its default (RFC 7592 §2.2). current is the client as it was read, and token is the registration
// access token that was presented for it. The validation steps and build_response run; add_client_secret runs where the
// client comes to need a shared secret and has none. The scripts see the caller who registered the client.
//
// It returns what [Engine.Register] returns, and ErrConflict where current is out of date: then nothing is changed.
func (e *Engine) Update(ctx context.Context, current *Client, token Plaintext, request *Request) (*Registration, error) {
	r, err := e.newUpdate(current, token, request, ModeEnforce)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.update)
}

func (e *Engine) update(ctx context.Context, r *Registration) error {
	if err := r.complete(ctx); err != nil {
		return err
	}
	// What the steps did is the update's; how the client was registered stays.
	r.Client.Updated = &Update{At: r.Now, Provenance: r.Client.Provenance}
	r.Client.Provenance = r.current.Provenance
	if err := e.store.UpdateClient(ctx, r.Client); err != nil {
		return fmt.Errorf("storing the client: %w", err)
	}
	return nil
}

// settleSecret keeps the client's secret where it still needs one, has one made where it comes to need one, and drops it
// where it does not any more.
func (r *Registration) settleSecret(ctx context.Context) error {
	switch {
	case !usesSharedSecret(r.Client.Metadata.TokenEndpointAuthMethod):
		return nil
	case r.current.Secret == nil:
		return r.steps.AddClientSecret(ctx, r)
	}
	r.Client.Secret = r.current.Secret
	if previous := r.current.PreviousSecret; previous != nil && r.Now.Before(previous.ExpiresAt) {
		r.Client.PreviousSecret = previous
	}
	return nil
}

// newUpdate returns an update before its first step. An empty token is one that is not known any more: begin makes a new
// one.
func (e *Engine) newUpdate(current *Client, token Plaintext, request *Request, mode Mode) (*Registration, error) {
	now := e.timestamp()
	request, err := request.forUpdate(current, now)
	if err != nil {
		return nil, err
	}
	if e.options.RotateRegistrationToken {
		token = ""
	}
	caller := current.Caller
	caller.Auth = AuthRegistrationAccessToken
	return e.begin(&Registration{
		Operation: OperationUpdate,
		Mode:      mode,
		Now:       now,
		Request:   request,
		Caller:    &caller,
		Token:     token,
		current:   current,
		Client: &Client{ID: current.ID, RegistrationID: current.RegistrationID, IssuedAt: current.IssuedAt, Caller: current.Caller,
			SeenAt: current.SeenAt, Version: current.Version},
	})
}

// forUpdate checks the members that have a meaning in an update alone, and returns the request as scripts see it: without
// a secret.
func (q *Request) forUpdate(current *Client, now time.Time) (*Request, error) {
	other := q.Metadata.Other
	// RFC 7592 §2.2: the request MUST NOT include these. "" is a member left out, as everywhere.
	for _, name := range [...]string{"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at"} {
		if value, sent := other[name]; sent && string(value) != `""` {
			return nil, Refuse("%s must be left out: only the server sets it", name)
		}
	}
	// RFC 7592 §2.2: the client_id MUST be there and be the client's own.
	id, err := q.reservedText("client_id")
	switch {
	case err != nil:
		return nil, err
	case id == "":
		return nil, Refuse("client_id is missing: an update names the client, by the client_id in registration_client_uri")
	case id != current.ID:
		return nil, Refuse("client_id is not the one that the update is for")
	}
	// RFC 7592 §2.2: a client_secret MUST match the one that was issued, and never overwrites it.
	secret, err := q.reservedText("client_secret")
	if err != nil {
		return nil, err
	}
	if secret != "" && !current.issued(Plaintext(secret), now) {
		return nil, Refuse("client_secret is not this client's secret: leave it out, an update cannot set it")
	}
	if _, sent := other["client_secret"]; !sent {
		return q, nil
	}
	raw, err := without(q.Raw, "client_secret")
	if err != nil {
		return nil, fmt.Errorf("taking the secret out of the request: %w", err)
	}
	seen := &Request{Metadata: q.Metadata, Raw: raw, ID: q.ID}
	seen.Metadata.Other = maps.Clone(other)
	delete(seen.Metadata.Other, "client_secret")
	return seen, nil
}

// reservedText returns a member that has no field, which must be a string; "" where it is left out.
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

// checkIdentity checks that an update is one of the client that it is for.
func checkIdentity(r *Registration) error {
	c := r.Client
	if is := r.current; is != nil && (c.ID != is.ID || c.RegistrationID != is.RegistrationID || !c.IssuedAt.Equal(is.IssuedAt) || c.Version != is.Version) {
		return fmt.Errorf("the client is not the one that the update is for")
	}
	return nil
}
