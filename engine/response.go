package engine

import (
	"context"
	"fmt"

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
	uri := ""
	if r.Token != "" {
		uri = r.engine.clientURI(c.ID)
	}
	// The names of the other members, their punctuation and two numbers take less than 256 bytes.
	size := 256 + len(c.ID) + len(r.Secret) + len(r.Token) + len(uri) + r.roomForMetadata()
	w := memberWriter{b: make(jsontext.Value, 0, size)}
	w.text("client_id", c.ID)
	if issued := c.IssuedAt.Unix(); issued != 0 && r.Operation != OperationMetadataDocument {
		w.number("client_id_issued_at", issued)
	}
	if c.Secret != nil {
		if r.Secret != "" {
			w.text("client_secret", r.Secret.Reveal())
		}
		// RFC 7591 §3.2.1: REQUIRED when a secret was issued; 0 means that it never expires.
		var expires int64
		if !c.Secret.ExpiresAt.IsZero() {
			expires = c.Secret.ExpiresAt.Unix()
		}
		w.number("client_secret_expires_at", expires)
	}
	if r.Token != "" {
		// RFC 7592 §3: both are REQUIRED if the client may manage its registration.
		w.text("registration_access_token", r.Token.Reveal())
		w.text("registration_client_uri", uri)
	}
	own := len(w.b)
	c.Metadata.write(&w)
	if w.err != nil {
		return nil, fmt.Errorf("writing the response: %w", w.err)
	}
	c.encoded = w.b[own+len(","):]
	return w.b, nil
}

// EncodedMetadata returns Metadata as JSON, for a store. It reuses the bytes that the engine wrote into the response.
func (c *Client) EncodedMetadata() (string, error) {
	if c.encoded != nil {
		return "{" + string(c.encoded), nil
	}
	encoded, err := c.Metadata.encode()
	return string(encoded), err
}

// Document returns the client as scripts read it: its metadata, and its ID once it has one, as a JSON object. It never
// holds a secret.
func (c *Client) Document() (jsontext.Value, error) {
	document, err := c.Metadata.document(c.ID)
	if err != nil {
		return nil, fmt.Errorf("writing the client: %w", err)
	}
	return document, nil
}

// A writtenClient is what Client.Document returned for a client with an ID.
type writtenClient struct {
	id       string
	document jsontext.Value // nil means none
}

// ClientDocument returns what [Client.Document] of the client does. It keeps that until the client gets another ID, a
// patch or Restore changes it, or another step begins. Callers must not modify the document.
func (r *Registration) ClientDocument() (jsontext.Value, error) {
	if r.written.document != nil && r.written.id == r.Client.ID {
		return r.written.document, nil
	}
	document, err := r.Client.Document()
	if err != nil {
		return nil, err
	}
	r.written = writtenClient{r.Client.ID, document}
	return document, nil
}

// ForgetDocument drops the document that ClientDocument keeps. A caller that runs a step calls it afterwards.
func (r *Registration) ForgetDocument() { r.written = writtenClient{} }
