package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/claims"
)

// ErrUntrusted is an issuer whose software statements are not trusted.
var ErrUntrusted = errors.New("the issuer is not trusted")

// statementLeeway is how far the clocks of an issuer and of this server may be apart.
const statementLeeway = time.Minute

// validateSoftwareStatement verifies the software statement, lets its claims stand in place of what the body says, and
// copies which software the client runs.
func validateSoftwareStatement(ctx context.Context, r *Registration) error {
	statement := r.Request.Metadata.SoftwareStatement
	switch {
	case r.given != nil:
		if err := r.takeClaims(r.given); err != nil {
			return err
		}
	case statement != "":
		claims, err := r.engine.verifyStatement(ctx, statement, r.Now)
		if err != nil {
			return err
		}
		if err := r.takeClaims(claims); err != nil {
			return err
		}
	case r.engine.options.RequireSoftwareStatement:
		return RefuseAs(InvalidSoftwareStatement, "software_statement is missing: registration needs one of an issuer that is trusted here")
	}
	in, out := &r.Request.Metadata, &r.Client.Metadata
	out.SoftwareID = in.SoftwareID
	out.SoftwareVersion = in.SoftwareVersion
	out.SoftwareStatement = in.SoftwareStatement // RFC 7591 §3.2.1: unchanged
	return nil
}

func refuseStatement(format string, args ...any) *Error {
	return RefuseAs(InvalidSoftwareStatement, "software_statement "+format, args...)
}

// verifyStatement returns the claims of a statement whose issuer is trusted, whose signature is right and whose time
// has come and not passed. RFC 7591 §2.3: it is signed, and has an iss. The keys are the issuer's own, whatever the
// statement says of keys.
func (e *Engine) verifyStatement(ctx context.Context, statement string, now time.Time) (jsontext.Value, error) {
	if e.statementKeys == nil {
		return nil, RefuseAs(UnapprovedSoftwareStatement, "software_statement: no issuer of software statements is trusted here; leave it out")
	}
	signed, err := jose.ParseSignedCompact(statement, TrustedAlgorithms())
	if err != nil {
		return nil, refuseStatement("must be a JSON Web Signature in compact form, with one of the algorithms %v", TrustedAlgorithms())
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "" && !strings.EqualFold(typ, "JWT") {
		// RFC 8725 §3.11: a token of another type, an access token say, is no statement.
		return nil, refuseStatement("has the typ '%s', not JWT", typ)
	}
	payload := jsontext.Value(signed.UnsafePayloadWithoutVerification())
	read, err := readStatement(payload)
	if err != nil {
		return nil, err
	}
	keys, err := e.statementKeys(ctx, read.Issuer, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	switch {
	case errors.Is(err, ErrUntrusted):
		return nil, RefuseAs(UnapprovedSoftwareStatement, "software_statement: its issuer '%s' is not trusted here", read.Issuer)
	case err != nil:
		return nil, fmt.Errorf("getting the keys of the issuer %q: %w", read.Issuer, err)
	case !slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return verifies(signed, key) }):
		return nil, refuseStatement("is not signed by a key of its issuer")
	}
	return payload, e.checkClaims(&read, now)
}

// readStatement reads the claims of a statement strictly, so that no other reader can understand them differently.
func readStatement(payload jsontext.Value) (claims.Validity, error) {
	var read claims.Validity
	switch {
	case payload.Kind() != '{' || tooDeep(payload):
		return read, refuseStatement("must hold a JSON object, nested no deeper than %d", maxDepth)
	case !payload.IsValid():
		return read, refuseStatement("holds no valid JSON")
	}
	if err := json.Unmarshal(payload, &read); err != nil {
		return read, refuseStatement("has an iss, exp, nbf or aud of the wrong type")
	}
	if read.Issuer == "" {
		return read, refuseStatement("has no iss")
	}
	return read, nil
}

// verifies reports whether the key made the signature.
func verifies(signed *jose.JSONWebSignature, key jose.JSONWebKey) bool {
	_, err := signed.Verify(key.Key)
	return err == nil
}

// checkClaims checks when and for whom a statement holds.
func (e *Engine) checkClaims(read *claims.Validity, now time.Time) error {
	switch {
	case read.Expired(now, statementLeeway):
		return refuseStatement("has expired")
	case read.Early(now, statementLeeway):
		return refuseStatement("does not hold yet")
	case read.Audience != nil && !read.For(e.options.StatementAudiences...):
		// RFC 7519 §4.1.3: a server that is not in aud must refuse.
		return refuseStatement("is not for this server: its aud must hold one of %s", strings.Join(e.options.StatementAudiences, ", "))
	}
	return nil
}

// claimsAboutStatement are claims that speak of the statement and not of the client (RFC 7519 §4.1).
var claimsAboutStatement = [...]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "software_statement"}

// takeClaims lets verified claims stand in place of the members of the body (RFC 7591 §3.1.1). Only the server sets
// what is reserved, whoever signs it.
func (r *Registration) takeClaims(claims jsontext.Value) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(claims, &members); err != nil {
		return refuseStatement("holds no valid JSON")
	}
	maps.DeleteFunc(members, func(name string, value jsontext.Value) bool {
		return value.Kind() == 'n' || Reserved(name) || slices.Contains(claimsAboutStatement[:], name)
	})
	document, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing the claims of a statement: %w", err)
	}
	var claimed Metadata
	if err := decodeMetadata(document, &claimed); err != nil {
		refusal, _ := errors.AsType[*Error](err)
		return refuseStatement("claims what may not be: %s", refusal.Description)
	}
	request := *r.Request
	request.Metadata = overlay(&r.Request.Metadata, &claimed, members)
	r.Request = &request
	r.Statement = claims
	for name, value := range claimed.Other {
		if slices.Contains(r.engine.options.EchoExtensions, name) {
			r.Client.Metadata.setOther(name, value)
		}
	}
	return nil
}

// overlay returns the metadata of the body with the members that a statement names in place of its own. Where a
// statement names a human-readable member, it speaks for all its languages.
func overlay(body, claimed *Metadata, named map[string]jsontext.Value) Metadata {
	merged := *body
	from, to := reflect.ValueOf(claimed).Elem(), reflect.ValueOf(&merged).Elem()
	for i, name := range memberNames() {
		if _, ok := named[name]; ok {
			to.Field(i).Set(from.Field(i))
		}
	}
	spoken := map[string]bool{}
	for name := range named {
		member, _, _ := strings.Cut(name, "#")
		spoken[member] = true
	}
	merged.Other = map[string]jsontext.Value{}
	for name, value := range body.Other {
		if member, _, ok := localized(name); !ok || !spoken[member] {
			merged.Other[name] = value
		}
	}
	maps.Copy(merged.Other, claimed.Other)
	return merged
}

// ParseStatement reads a request whose whole body is a software statement. The claims are all the metadata there is.
func ParseStatement(body []byte) (*Request, error) {
	statement := strings.TrimSpace(string(body))
	outside := func(c rune) bool {
		return c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}
	if statement == "" || strings.IndexFunc(statement, outside) >= 0 {
		return nil, RefuseAs(InvalidSoftwareStatement, "the body must be a software statement: a JSON Web Signature in compact form")
	}
	return &Request{
		Metadata: Metadata{SoftwareStatement: statement},
		Raw:      jsontext.Value(`{"software_statement":"` + statement + `"}`),
	}, nil
}
