package engine

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// buildResponse leaves the answer to the engine, which writes it once, after the last step, from the client as it is then:
// what is answered is what is stored, whatever a script does.
func buildResponse(_ context.Context, r *Registration) error {
	r.Response = nil
	return nil
}

// render returns the client information response of RFC 7591 §3.2.1 and RFC 7592 §3.
func (r *Registration) render() (jsontext.Value, error) {
	c := r.Client
	var document struct {
		ClientID              string `json:"client_id"`
		ClientIDIssuedAt      int64  `json:"client_id_issued_at,omitzero"` // seconds since 1970; nobody issued the ID of a metadata document
		ClientSecret          string `json:"client_secret,omitzero"`
		ClientSecretExpiresAt *int64 `json:"client_secret_expires_at,omitzero"`
		AccessToken           string `json:"registration_access_token,omitzero"`
		ClientURI             string `json:"registration_client_uri,omitzero"`
		*Metadata
	}
	document.ClientID = c.ID
	if r.Operation != OperationMetadataDocument {
		document.ClientIDIssuedAt = c.IssuedAt.Unix()
	}
	if c.Secret != nil {
		document.ClientSecret = r.Secret.Reveal()
		// RFC 7591 §3.2.1: REQUIRED when a secret was issued; 0 means that it never expires.
		var expires int64
		if !c.Secret.ExpiresAt.IsZero() {
			expires = c.Secret.ExpiresAt.Unix()
		}
		document.ClientSecretExpiresAt = &expires
	}
	if r.Token != "" {
		// RFC 7592 §3: both are REQUIRED where the client may manage its registration.
		document.AccessToken, document.ClientURI = r.Token.Reveal(), r.engine.clientURI(c.ID)
	}
	document.Metadata = &c.Metadata
	b, err := json.Marshal(&document, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing the response: %w", err)
	}
	return b, nil
}

// Document returns the client as built so far as a script reads it: its metadata, and its ID once it has one. It never
// holds a secret.
func (c *Client) Document() (jsontext.Value, error) {
	document := struct {
		ClientID string `json:"client_id,omitzero"`
		*Metadata
	}{c.ID, &c.Metadata}
	b, err := json.Marshal(&document, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing the client: %w", err)
	}
	return b, nil
}
