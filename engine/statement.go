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

// ErrUntrusted reports that an issuer's software statements are not trusted.
var ErrUntrusted = errors.New("the issuer is not trusted")

// statementLeeway is the tolerated difference between the clocks of an issuer and this server.
const statementLeeway = time.Minute

// maxStatementHeader bounds the header of a statement, in bytes of base64url. It is parsed before the issuer is known.
const maxStatementHeader = 16 << 10

// validateSoftwareStatement verifies the software statement, replaces members of the request by its claims, and copies
// the software members.
func validateSoftwareStatement(ctx context.Context, r *Registration) error {
	statement := r.Request.Metadata.SoftwareStatement
	switch {
	case r.given != nil:
		if err := r.takeClaims(r.given); err != nil {
			return err
		}
	case statement != "":
		claims, err := r.verifyStatement(ctx, statement)
		if err != nil {
			return err
		}
		if err := r.takeClaims(claims); err != nil {
			return err
		}
	case r.engine.options.RequireSoftwareStatement:
		return RefuseAs(InvalidSoftwareStatement,
			"software_statement is missing: registration needs one of a trusted issuer")
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

// verifyStatement returns the claims of a statement that a trusted issuer signed and that is valid now, or that the
// client was registered with. RFC 7591 §2.3: it is signed and has an iss. The keys come from Config.StatementKeys,
// never from the statement.
func (r *Registration) verifyStatement(ctx context.Context, statement string) (jsontext.Value, error) {
	e := r.engine
	if e.statementKeys == nil {
		return nil, RefuseAs(UnapprovedSoftwareStatement,
			"software_statement: no issuer of software statements is trusted here; leave it out")
	}
	signed, err := parseStatement(statement)
	if err != nil {
		return nil, err
	}
	payload := jsontext.Value(signed.UnsafePayloadWithoutVerification())
	read, err := readStatement(payload)
	if err != nil {
		return nil, err
	}
	header := signed.Signatures[0].Protected
	keys, err := e.statementKeys(ctx, read.Issuer, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	switch {
	case errors.Is(err, ErrUntrusted):
		return nil, RefuseAs(UnapprovedSoftwareStatement, "software_statement: its issuer '%s' is not trusted here",
			read.Issuer)
	case r.alreadyVerified(statement):
		// It stays good while its issuer is trusted, even if it has expired or its issuer's keys have changed or cannot
		// be read: RFC 7592 §2.2 has the client send back what it was given.
		return payload, e.checkPurpose(&read)
	case err != nil:
		return nil, fmt.Errorf("getting the keys of the issuer %q: %w", read.Issuer, err)
	case !slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool { return verifies(signed, key) }):
		return nil, refuseStatement("is not signed by a key of its issuer")
	}
	if err := e.checkPurpose(&read); err != nil {
		return nil, err
	}
	return payload, e.checkClaims(&read, r.Now)
}

// alreadyVerified reports whether the client to update has the statement, byte for byte, and the built-in step verified
// it. It did, unless a script set the statement.
func (r *Registration) alreadyVerified(statement string) bool {
	if r.current == nil || r.current.Metadata.SoftwareStatement != statement {
		return false
	}
	acts := r.current.Provenance.Acts
	if r.current.Updated != nil {
		acts = r.current.Updated.Acts
	}
	return !slices.ContainsFunc(acts, func(a Act) bool { return slices.Contains(a.Changed, "software_statement") })
}

// parseStatement reads the compact form and the header of a statement.
func parseStatement(statement string) (*jose.JSONWebSignature, error) {
	if strings.IndexByte(statement, '.') > maxStatementHeader {
		return nil, refuseStatement("has a header of more than %d characters", maxStatementHeader)
	}
	signed, err := jose.ParseSignedCompact(statement, TrustedAlgorithms())
	if err != nil || strings.IndexFunc(statement, outsideCompact) >= 0 {
		return nil, refuseStatement("must be a JSON Web Signature in compact form, with one of the algorithms %v",
			TrustedAlgorithms())
	}
	header, err := claims.ReadHeader(statement)
	switch {
	case err != nil:
		return nil, RefuseAs(InvalidSoftwareStatement, "software_statement: %v", err)
	case header.Type != "" && header.Type != "jwt":
		// RFC 8725 §3.11: a token of another type, such as an access token, is not a statement.
		return nil, refuseStatement("has the typ '%s', not JWT", header.Type)
	}
	return signed, nil
}

// statementClaims are the claims of a statement that decide whether it is accepted.
type statementClaims struct {
	claims.Validity
	claims.Purpose
}

// readStatement reads the claims of a statement strictly, so that all parsers agree on them.
func readStatement(payload jsontext.Value) (statementClaims, error) {
	var read statementClaims
	switch {
	case payload.Kind() != '{' || tooDeep(payload):
		return read, refuseStatement("must hold a JSON object, nested no deeper than %d", maxDepth)
	case !payload.IsValid():
		return read, refuseStatement("does not hold valid JSON")
	}
	if err := json.Unmarshal(payload, &read); err != nil {
		return read, refuseStatement("has an iss, exp, nbf, iat or aud of the wrong type")
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

// checkPurpose refuses an access token in the place of a statement, of an issuer that makes both.
func (e *Engine) checkPurpose(read *statementClaims) error {
	if e.tokenIssuer == nil || !e.tokenIssuer(read.Issuer) {
		return nil
	}
	if why := read.NotStatement(); why != "" {
		return refuseStatement("%s, since its issuer also makes access tokens", why)
	}
	return nil
}

// checkClaims checks the validity period and the audience of a statement.
func (e *Engine) checkClaims(read *statementClaims, now time.Time) error {
	switch {
	case read.Expired(now, statementLeeway):
		return refuseStatement("has expired")
	case read.Early(now, statementLeeway):
		return refuseStatement("is not valid yet")
	case read.Audience != nil && !read.For(e.options.StatementAudiences...):
		// RFC 7519 §4.1.3: a server that is not in aud must refuse the statement.
		return refuseStatement("is not for this server: its aud must hold one of %s",
			strings.Join(e.options.StatementAudiences, ", "))
	}
	return nil
}

// claimsAboutStatement lists the claims that describe the statement, not the client (RFC 7519 §4.1).
var claimsAboutStatement = [...]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "software_statement"}

// takeClaims replaces members of the request by verified claims (RFC 7591 §3.1.1).
func (r *Registration) takeClaims(payload jsontext.Value) error {
	request := *r.Request
	request.claims = payload
	claimed, members, err := request.claimed()
	if err != nil {
		return err
	}
	request.Metadata = overlay(&r.Request.Metadata, &claimed, members)
	r.Request = &request
	r.Statement = payload
	r.keepExtensions(&claimed)
	return nil
}

// claimed returns the claims that replace members of the request, as metadata and by name; a nil set if the request has
// no verified software statement. It ignores [Reserved] members, which only the server sets, and claims that are null
// or "", which replace nothing.
func (q *Request) claimed() (claimed Metadata, members claimSet, err error) {
	if q.claims == nil {
		return claimed, nil, nil
	}
	if err := json.Unmarshal(q.claims, &members); err != nil {
		return claimed, nil, refuseStatement("does not hold valid JSON")
	}
	maps.DeleteFunc(members, func(name string, value jsontext.Value) bool {
		missing := claims.LeftOut(value) || name == "jwks" && emptyKeySet(value)
		return missing || Reserved(name) || slices.Contains(claimsAboutStatement[:], name)
	})
	if version := members["software_version"]; version.Kind() == '0' {
		// RFC 7591 §2 has a string, but directories sign numbers, such as 1.5. The text is as it was signed.
		members["software_version"] = jsontext.Value(`"` + string(version) + `"`)
	}
	document, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return claimed, nil, fmt.Errorf("writing the claims of a statement: %w", err)
	}
	if err := decodeMetadata(document, &claimed, nil); err != nil {
		refusal, _ := errors.AsType[*Error](err)
		return claimed, nil, refuseStatement("has an invalid claim: %s", refusal.Description)
	}
	return claimed, members, nil
}

// overlay returns the metadata of the body, with the members named in a statement taken from claimed. A human-readable
// member in the statement replaces the body's in all languages.
func overlay(body, claimed *Metadata, named claimSet) Metadata {
	merged := *body
	from, to := reflect.ValueOf(claimed).Elem(), reflect.ValueOf(&merged).Elem()
	for i, name := range memberNames() {
		if _, ok := named[name]; ok {
			to.Field(i).Set(from.Field(i))
		}
	}
	merged.Other = map[string]jsontext.Value{}
	for name, value := range body.Other {
		if member, _, ok := localized(name); !ok || !named.speaks(member) {
			merged.Other[name] = value
		}
	}
	maps.Copy(merged.Other, claimed.Other)
	return merged
}

// ParseStatement reads a request whose body is a software statement. The statement's claims are its only metadata. The
// error is an *[Error]. ParseStatement checks only the characters; the steps verify the statement.
func ParseStatement(body []byte) (*Request, error) {
	statement := strings.Trim(string(body), " \t\r\n") // a file may end with a line break
	if statement == "" || strings.IndexFunc(statement, outsideCompact) >= 0 {
		return nil, RefuseAs(InvalidSoftwareStatement,
			"the body must be a software statement: a JSON Web Signature in compact form")
	}
	return &Request{
		Metadata: Metadata{SoftwareStatement: statement},
		Raw:      jsontext.Value(`{"software_statement":"` + statement + `"}`),
	}, nil
}

// outsideCompact reports whether c is not in the character set of the compact form: base64url and dots (RFC 7515 §7.1).
func outsideCompact(c rune) bool {
	return c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}
