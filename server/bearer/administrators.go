package bearer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"registrar/internal/claims"
	"registrar/internal/displaytext"
	"registrar/internal/token"
)

// MaxSubject bounds the subject of an administrator, in characters. Rows name administrators by it.
const MaxSubject = 255

// AdministratorsConfig says which JWTs administrators have, and what they may do.
type AdministratorsConfig struct {
	Issuers map[string]Issuer       // by the claim iss; not empty
	Claim   string                  // name of the claim that holds roles; "" means roles
	Roles   map[string][]token.Role // by the values of that claim; not empty
	Now     func() time.Time        // nil means time.Now
}

// Administrators verifies the JWT access tokens of administrators. It is safe for concurrent use.
type Administrators struct {
	verifier *Verifier
	claim    string
	roles    map[string][]token.Role
}

// NewAdministrators returns Administrators, or an error if a field of c is missing or invalid.
func NewAdministrators(c AdministratorsConfig) (*Administrators, error) {
	if len(c.Roles) == 0 {
		return nil, errors.New("JWTs of administrators need a value that means a role")
	}
	v, err := newVerifier(Config{Issuers: c.Issuers, Now: c.Now})
	if err != nil {
		return nil, err
	}
	a := &Administrators{verifier: v, claim: c.Claim, roles: c.Roles}
	if a.claim == "" {
		a.claim = "roles"
	}
	return a, nil
}

// Grant reports whether a token may have a role. nil Administrators grant none.
func (a *Administrators) Grant(r token.Role) bool {
	if a == nil {
		return false
	}
	for _, roles := range a.roles {
		if slices.Contains(roles, r) {
			return true
		}
	}
	return false
}

// Verify returns the administrator that a token identifies: its sub, with the roles that the values of its claim mean.
// Other values mean none. The error wraps [ErrInvalid] if the token is not valid, and [engine.ErrUnavailable] if the
// issuer's keys are unavailable.
func (a *Administrators) Verify(ctx context.Context, presented string) (*token.Administrator, error) {
	t, err := a.verifier.verify(ctx, presented)
	if err != nil {
		return nil, err
	}
	// RFC 9068 §2.2: sub is REQUIRED. The log and rows show it.
	if problem := displaytext.Problem(t.Subject); problem != "" {
		return nil, invalid("its sub %s", problem)
	}
	if n := utf8.RuneCountInString(t.Subject); n > MaxSubject {
		return nil, invalid("its sub has %d characters: at most %d are allowed", n, MaxSubject)
	}
	values, err := t.all.values(a.claim)
	if err != nil {
		return nil, err
	}
	admin := &token.Administrator{Name: t.Subject, Issuer: t.Issuer}
	for _, value := range values {
		for _, r := range a.roles[value] {
			if !slices.Contains(admin.Roles, r) {
				admin.Roles = append(admin.Roles, r)
			}
		}
	}
	return admin, nil
}

// values returns the values of a claim: the elements of a list, or a string. Only scope (RFC 8693 §4.2) and scp, which
// some issuers have in its place, are a string of several values, between spaces (%x20). In other claims a space may be
// part of a name, so that "not owners" is not owners.
func (c claimSet) values(name string) ([]string, error) {
	value, there := c[name]
	if !there {
		return nil, nil
	}
	var list claims.Strings
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, fmt.Errorf("%w: its claim %.100s has a wrong type: it must be a string or a list of strings",
			ErrInvalid, name)
	}
	if value.Kind() == '"' && (name == "scope" || name == "scp") {
		return strings.Split(list[0], " "), nil
	}
	return list, nil
}
