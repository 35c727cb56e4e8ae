package engine

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// OperationMetadataDocument resolves a client whose ID is the URL of its metadata
// (draft-ietf-oauth-client-id-metadata-document). Nothing is stored.
const OperationMetadataDocument Operation = "metadata_document"

// maxDocumentURL bounds the URL of a metadata document, in bytes.
const maxDocumentURL = 2000

// CheckDocumentURL returns an *[Error] unless a URL can be a client ID: https with a host and a path, at most 2,000
// bytes, without user information, fragment and dot segments, the scheme and the host in lower case.
func CheckDocumentURL(raw string) error {
	if _, err := httpsOnly.check("the URL", raw); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Refuse("the URL is not valid")
	case len(raw) > maxDocumentURL:
		return Refuse("the URL has more than %d characters", maxDocumentURL)
	case !strings.HasPrefix(raw, "https://"):
		return Refuse("the URL must begin with https:// in lower case")
	case u.Path == "" || u.Path == "/":
		return Refuse("the URL must have a path other than '/'")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return Refuse("the URL must not have '.' or '..' as a path segment")
	case u.Host != strings.ToLower(u.Host):
		return Refuse("the URL's host must be in lower case")
	}
	return nil
}

// ResolveDocument runs the validation steps and build_response for the metadata document from rawURL, so that the same
// policy applies as to registrations. It stores nothing. Its results are those of [Engine.Register].
func (e *Engine) ResolveDocument(
	ctx context.Context, rawURL string, document []byte, caller *Caller, requestID string,
) (*Registration, error) {
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

// nameByDocument sets the operation of r to OperationMetadataDocument and the client's ID to rawURL.
func (r *Registration) nameByDocument(rawURL string) {
	r.Operation, r.document, r.Client.ID = OperationMetadataDocument, rawURL, rawURL
	r.Token, r.Client.TokenHash = "", nil // the client is managed by editing the document
}

// checkDocument applies the rules for metadata documents: client_id is the document's URL, and the client has no
// secret, since documents are public.
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
			return Refuse("%s must not be in a metadata document, which is public", name)
		}
	}
	return checkDocumentMethod(m)
}

// checkDocumentMethod refuses an authentication method that needs a secret.
func checkDocumentMethod(m *Metadata) error {
	if usesSharedSecret(m.TokenEndpointAuthMethod) {
		return Refuse("token_endpoint_auth_method %s needs a secret, but a metadata document is public: "+
			"use none or private_key_jwt", m.TokenEndpointAuthMethod)
	}
	return nil
}

// checkDocumentID checks that the client ID is still the URL of the metadata document.
func checkDocumentID(r *Registration) error {
	if r.Client.ID != r.document {
		return fmt.Errorf("the client ID %q is not the URL of its metadata document", r.Client.ID)
	}
	return nil
}
