package engine

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// buildResponse leaves the response to the engine, which writes it after the last step, so that it always shows the
// client as stored. See [Registration.checkInvariants].
func buildResponse(_ context.Context, r *Registration) error {
	r.Response = nil
	return nil
}

// render returns the client information response of RFC 7591 §3.2.1 and RFC 7592 §3: the members that the server
// sets, then the metadata.
func (r *Registration) render() (jsontext.Value, error) {
	c := r.Client
	var document struct {
		ClientID              string `json:"client_id"`
		ClientIDIssuedAt      int64  `json:"client_id_issued_at,omitzero"` // seconds since 1970; 0 for metadata documents
		ClientSecret          string `json:"client_secret,omitzero"`
		ClientSecretExpiresAt *int64 `json:"client_secret_expires_at,omitzero"`
		AccessToken           string `json:"registration_access_token,omitzero"`
		ClientURI             string `json:"registration_client_uri,omitzero"`
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
		// RFC 7592 §3: both are REQUIRED if the client may manage its registration.
		document.AccessToken, document.ClientURI = r.Token.Reveal(), r.engine.clientURI(c.ID)
	}
	b, err := json.Marshal(&document)
	if err != nil {
		return nil, fmt.Errorf("writing the response: %w", err)
	}
	if c.encoded, err = c.Metadata.encode(); err != nil {
		return nil, fmt.Errorf("writing the response: %w", err)
	}
	response := make(jsontext.Value, 0, len(b)+len(c.encoded))
	response = append(response, b[:len(b)-1]...)
	response = append(response, ',') // both objects have members: client_id and redirect_uris
	return append(response, c.encoded[1:]...), nil
}

// encode returns the metadata as JSON, for responses and the store. It is deterministic, distinguishes nil from empty
// lists, and preserves the escaping of strings in raw values.
func (m *Metadata) encode() (jsontext.Value, error) {
	return json.Marshal(m, json.Deterministic(true), json.FormatNilSliceAsNull(true),
		jsontext.PreserveRawStrings(true))
}

// EncodedMetadata returns Metadata as JSON, for a store. It reuses the bytes that the engine wrote into the response.
func (c *Client) EncodedMetadata() (jsontext.Value, error) {
	if c.encoded != nil {
		return c.encoded, nil
	}
	return c.Metadata.encode()
}

// Document returns the client as scripts read it: its metadata, and its ID once it has one, as a JSON object. It never
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
