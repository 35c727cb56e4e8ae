package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// OperationMetadataDocument is a client that is named by the URL of its metadata instead of being registered
// (draft-ietf-oauth-client-id-metadata-document). Nothing is stored.
const OperationMetadataDocument Operation = "metadata_document"

// maxDocumentURL bounds the URL of a metadata document, in bytes.
const maxDocumentURL = 2000

// CheckDocumentURL returns an error unless a URL can name a client: https with a host and a path, without user,
// fragment and dot segments, written in the way that a comparison byte for byte finds it.
func CheckDocumentURL(raw string) error {
	u, err := httpsOnly.check("the URL", raw)
	switch {
	case err != nil:
		return err
	case len(raw) > maxDocumentURL:
		return Refuse("the URL has more than %d characters", maxDocumentURL)
	case !strings.HasPrefix(raw, "https://"):
		return Refuse("the URL must begin with https:// in small letters")
	case u.Path == "" || u.Path == "/":
		return Refuse("the URL must have a path: a host alone names no client")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return Refuse("the URL must not hold '.' or '..' as a part of its path")
	case u.Host != strings.ToLower(u.Host):
		return Refuse("the URL's host must be in small letters")
	}
	return nil
}

// ResolveDocument takes the metadata document at a URL through the validation steps and build_response, and stores
// nothing: one policy for both ways to become a client. It returns what [Engine.Register] would.
func (e *Engine) ResolveDocument(ctx context.Context, rawURL string, document []byte, caller *Caller, requestID string) (*Registration, error) {
	if err := CheckDocumentURL(rawURL); err != nil {
		return nil, err
	}
	request, err := ParseRequest(document)
	if err != nil {
		return nil, err
	}
	if err := checkDocument(rawURL, &request.Metadata); err != nil {
		return nil, err
	}
	request.ID = requestID
	r, err := e.newRegistration(request, caller, ModeEnforce)
	if err != nil {
		return nil, err
	}
	r.nameByDocument(rawURL)
	return r.conclude(ctx, func(ctx context.Context, r *Registration) error { return r.complete(ctx) })
}

// nameByDocument makes r the registration of a client whose ID is the URL of its metadata.
func (r *Registration) nameByDocument(rawURL string) {
	r.Operation, r.document, r.Client.ID = OperationMetadataDocument, rawURL, rawURL
	r.Token, r.Client.TokenHash = "", nil // the author of the document manages it
}

// checkDocument checks what only metadata documents must be: of the URL that they were fetched from, and without
// secrets, which everybody could read there. A method that is left out is none.
func checkDocument(rawURL string, m *Metadata) error {
	var id string
	if value := m.Other["client_id"]; value.Kind() == '"' {
		if err := json.Unmarshal(value, &id); err != nil {
			return Refuse("client_id must be a string")
		}
	}
	if id != rawURL {
		return Refuse("client_id must be the URL of the document, %s, byte for byte", rawURL)
	}
	for _, name := range [...]string{"client_secret", "client_secret_expires_at"} {
		if _, there := m.Other[name]; there {
			return Refuse("%s must not stand in a document that everybody can read", name)
		}
	}
	m.TokenEndpointAuthMethod = cmp.Or(m.TokenEndpointAuthMethod, authMethodNone)
	if usesSharedSecret(m.TokenEndpointAuthMethod) {
		return Refuse("token_endpoint_auth_method %s needs a secret, which no metadata document can hold: use none or private_key_jwt", m.TokenEndpointAuthMethod)
	}
	return nil
}

// checkDocumentID checks that the ID of a client that is named by its document is the URL of the document.
func checkDocumentID(r *Registration) error {
	if r.Client.ID != r.document {
		return fmt.Errorf("the client ID %q is not the URL of its metadata document", r.Client.ID)
	}
	return nil
}
