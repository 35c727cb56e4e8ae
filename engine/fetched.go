package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fetchDocument returns the document at a URL that the client named in a member, or nil if documents are not fetched.
// Shadows and replays fetch nothing: the registration that they repeat did.
func (r *Registration) fetchDocument(ctx context.Context, member, rawURL string) (jsontext.Value, error) {
	if r.engine.fetch == nil || r.Mode != ModeEnforce && r.Mode != ModeDryRun {
		return nil, nil
	}
	document, err := r.engine.fetch(ctx, rawURL)
	if cause := ctx.Err(); err != nil && cause != nil {
		return nil, fmt.Errorf("fetching %s: %w", member, cause)
	}
	if errors.Is(err, ErrUnavailable) {
		return nil, fmt.Errorf("fetching %s: %w", member, err)
	}
	if err != nil {
		return nil, &unfetchedError{Refuse("%s: the document cannot be fetched: %v", member, err), err}
	}
	value := jsontext.Value(document)
	if tooDeep(value) || !value.IsValid() {
		return nil, Refuse("%s: the document is not valid JSON", member)
	}
	return value, nil
}

// An unfetchedError refuses a client because a document that it names cannot be fetched.
type unfetchedError struct {
	refusal *Error
	cause   error // of Config.Fetch
}

// Error returns the text of the refusal.
func (e *unfetchedError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal and its cause.
func (e *unfetchedError) Unwrap() []error { return []error{e.refusal, e.cause} }

// checkSector checks that the sector's document lists every redirect URI (OpenID Connect Dynamic Client Registration
// 1.0 §5). Otherwise a client could claim another's sector.
func (r *Registration) checkSector(ctx context.Context, in *Metadata) error {
	if in.SectorIdentifierURI == "" {
		return nil
	}
	document, err := r.fetchDocument(ctx, "sector_identifier_uri", in.SectorIdentifierURI)
	if document == nil || err != nil {
		return err
	}
	var listed []string
	if document.Kind() != '[' || json.Unmarshal(document, &listed) != nil {
		return Refuse("sector_identifier_uri: the document must be a list of redirect URIs")
	}
	known := make(map[string]bool, len(listed))
	for _, u := range listed {
		known[u] = true
	}
	for i, u := range in.RedirectURIs {
		if !known[u] {
			return Refuse("redirect_uris[%d] is not in the list at sector_identifier_uri", i)
		}
	}
	return nil
}

// checkKeySet checks the key set at jwks_uri if Options.FetchJWKSURI is set.
func (r *Registration) checkKeySet(ctx context.Context, in *Metadata) error {
	if in.JWKSURI == "" || !r.engine.options.FetchJWKSURI {
		return nil
	}
	document, err := r.fetchDocument(ctx, "jwks_uri", in.JWKSURI)
	if document == nil || err != nil {
		return err
	}
	if refusal, refused := errors.AsType[*Error](CheckKeySet(document)); refused {
		return Refuse("jwks_uri: in the document, %s", refusal.Description)
	}
	return nil
}

// CheckKeySet returns an *[Error] unless a document can be at a jwks_uri: a set of public keys, as jwks must be.
func CheckKeySet(document []byte) error {
	value := jsontext.Value(document)
	if tooDeep(value) || !value.IsValid() {
		return Refuse("the document is not valid JSON")
	}
	_, err := checkKeySources(&Metadata{JWKS: value})
	return err
}
