package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// OperationMetadataDocument resolves a client whose ID is the URL of its metadata
// (draft-ietf-oauth-client-id-metadata-document). Nothing is stored.
const OperationMetadataDocument Operation = "metadata_document"

// MaxDocumentURL bounds the URL of a metadata document, in bytes.
const MaxDocumentURL = 2048

// documentPrefix begins the URL of every metadata document, and no other client ID; see [CheckClientID].
const documentPrefix = "https://"

// IsDocumentURL reports whether a client ID is the URL of a metadata document, which may not exist.
func IsDocumentURL(id string) bool { return strings.HasPrefix(id, documentPrefix) }

// CheckDocumentURL returns an *[Error] unless a URL can be a client ID (draft-ietf-oauth-client-id-metadata-document-02
// §3): https in lower case, with a host and a path, at most [MaxDocumentURL] bytes, without user information, fragment
// and dot segments. The URL is compared byte for byte: a port, a query and capitals are parts of the ID.
func CheckDocumentURL(raw string) error {
	if _, err := httpsOnly.check("the URL", raw); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Refuse("the URL is not valid")
	case len(raw) > MaxDocumentURL:
		return Refuse("the URL has more than %d characters", MaxDocumentURL)
	case !IsDocumentURL(raw):
		return Refuse("the URL must begin with https:// in lower case")
	case u.Path == "":
		return Refuse("the URL must have a path, such as /client.json")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return Refuse("the URL must not have '.' or '..' as a path segment")
	}
	return nil
}

// ResolveDocument runs the validation steps and build_response for the metadata document from rawURL, so that the same
// policy applies as to registrations. It stores nothing. Its results are those of [Engine.Register]; a document that is
// refused is a *[DocumentError].
func (e *Engine) ResolveDocument(
	ctx context.Context, rawURL string, document []byte, caller *Caller, requestID string,
) (*Registration, error) {
	if err := CheckDocumentURL(rawURL); err != nil {
		return nil, err
	}
	request, err := ParseRequest(document)
	if err != nil {
		return nil, refusedDocument(DocumentJSON, err)
	}
	if err := checkDocument(rawURL, &request.Metadata); err != nil {
		return nil, err
	}
	if err := e.checkDocumentMembers(document); err != nil {
		return nil, err
	}
	request.ID = requestID
	r, err := e.newRegistration(request, caller, ModeEnforce)
	if err != nil {
		return nil, err
	}
	r.nameByDocument(rawURL)
	done, err := r.conclude(ctx, func(ctx context.Context, r *Registration) error { return r.complete(ctx) })
	code := DocumentPolicy
	if r.failed == "set_secrets" {
		code = DocumentKeys
	}
	return done, refusedDocument(code, err)
}

// A DocumentCode tells in one word why a metadata document was refused. Codes are stable.
type DocumentCode string

// The codes of documents that are refused.
const (
	DocumentJSON     DocumentCode = "json"      // it is no strict JSON object, or a member has another type
	DocumentClientID DocumentCode = "client_id" // its client_id is not its URL
	DocumentSecret   DocumentCode = "secret"    // it has a secret, or a method with one
	DocumentKeys     DocumentCode = "keys"      // set_secrets refuses its keys, or what it signs with
	DocumentPolicy   DocumentCode = "policy"    // another step or a script refuses it
)

// A DocumentError is the refusal of a metadata document.
type DocumentError struct {
	Code    DocumentCode
	refusal error
}

// Error returns the text of the refusal.
func (e *DocumentError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal, which is an *[Error]; and the error of [Config.Fetch] too, where the refusal is that what
// is at a member's URL cannot be fetched.
func (e *DocumentError) Unwrap() error { return e.refusal }

// refusedDocument returns err with a code if it is an *[Error] and has none.
func refusedDocument(code DocumentCode, err error) error {
	if _, coded := errors.AsType[*DocumentError](err); coded {
		return err
	}
	if _, refused := errors.AsType[*Error](err); refused {
		return &DocumentError{code, err}
	}
	return err
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
			return refusedDocument(DocumentClientID, Refuse("client_id must be a string"))
		}
	}
	if id != rawURL {
		return refusedDocument(DocumentClientID,
			Refuse("client_id must be the URL of the document, %s, byte for byte", rawURL))
	}
	for _, name := range [...]string{"client_secret", "client_secret_expires_at"} {
		if _, there := m.Other[name]; there {
			return refusedDocument(DocumentSecret,
				Refuse("%s must not be in a metadata document, which is public", name))
		}
	}
	return checkDocumentMethod(m)
}

// checkDocumentMembers refuses a document that lacks a member of Options.DocumentMembers, or has it empty.
func (e *Engine) checkDocumentMembers(document []byte) error {
	if len(e.options.DocumentMembers) == 0 {
		return nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document, &members); err != nil {
		return fmt.Errorf("reading a metadata document again: %w", err)
	}
	for _, name := range e.options.DocumentMembers {
		switch value := members[name]; {
		case value == nil, value.Kind() == 'n', string(value) == `""`, value.Kind() == '[' && len(value) == 2:
			return refusedDocument(DocumentPolicy, Refuse("%s is missing: this server demands it of metadata documents",
				name))
		}
	}
	return nil
}

// checkDocumentMethod refuses an authentication method that needs a secret (§4.1).
func checkDocumentMethod(m *Metadata) error {
	if usesSharedSecret(m.TokenEndpointAuthMethod) {
		return refusedDocument(DocumentSecret, Refuse("token_endpoint_auth_method %s needs a secret, but a metadata "+
			"document is public: use none or private_key_jwt", m.TokenEndpointAuthMethod))
	}
	return nil
}

// documentMethod returns how the client of a metadata document authenticates. A document is written for many servers:
// where this one does not have the method that it names, the first of its token_endpoint_auth_methods_supported counts
// that this server has and the client can use. "" means that the document names none that counts.
func (r *Registration) documentMethod(in *Metadata, grants []string) (string, error) {
	if err := checkDocumentMethod(in); err != nil {
		return "", err // the method of a software statement
	}
	wanted := in.TokenEndpointAuthMethod
	if wanted != "" && checkAuthMethod(wanted) == nil && r.advertised.offers(authMethods, wanted) {
		return wanted, nil
	}
	listed, err := in.listedMethods()
	if err != nil {
		return "", err
	}
	for _, m := range listed {
		if r.advertised.offers(authMethods, m) && r.canAuthenticate(in, grants, m) {
			return m, nil
		}
	}
	return wanted, checkAuthMethod(wanted)
}

// listedMethods returns the token_endpoint_auth_methods_supported of a metadata document; nil means none. RFC 7591 has
// no such member for clients, but clients in use send it.
func (m *Metadata) listedMethods() (list []string, err error) {
	value, there := m.Other[authMethods]
	if !there {
		return nil, nil
	}
	if value.Kind() != '[' || json.Unmarshal(value, &list) != nil {
		return nil, Refuse("%s must be a list of strings", authMethods)
	}
	return list, nil
}

// checkDocumentID checks that the client ID is still the URL of the metadata document.
func checkDocumentID(r *Registration) error {
	if r.Client.ID != r.document {
		return fmt.Errorf("the client ID %q is not the URL of its metadata document", r.Client.ID)
	}
	return nil
}
