package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/server/bearer"
)

// administrator rejects requests without a valid admin token.
func (s *Server) administrator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		noStore(c)
		admin, err := s.authenticateAdmin(c)
		if _, stranger := errors.AsType[*unauthorizedError](err); stranger {
			// Counted only here, so that a good token passes from an address with many that fail.
			err = cmp.Or(s.countFailure(c, s.strangers), err)
		}
		if err != nil {
			return err
		}
		c.Set(administratorKey, admin)
		return next(c)
	}
}

// authenticateAdmin returns who makes a call of the admin API.
func (s *Server) authenticateAdmin(c echo.Context) (*token.Administrator, error) {
	if len(c.Request().Header.Values(echo.HeaderAuthorization)) == 0 {
		if admin := s.certified(c.Request().TLS); admin != nil {
			return admin, nil
		}
	}
	scheme, presented, err := authorization(c.Request().Header)
	if err != nil {
		return nil, badAdminToken(err)
	}
	if !strings.EqualFold(scheme, "Bearer") || presented == "" {
		return nil, &unauthorizedError{description: "the admin API needs an admin token: Authorization: Bearer …",
			cause: s.uncertified(c.Request().TLS)}
	}
	// A call that may wait for a compiler waits no longer for the database than others.
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.RequestTimeout)
	defer cancel()
	admin, err := s.config.Administrator(ctx, presented)
	switch {
	case errors.Is(err, engine.ErrNotFound) && s.config.AdminJWTs != nil && bearer.IsJWT(presented):
		return s.authenticateJWT(ctx, presented)
	case errors.Is(err, engine.ErrNotFound):
		return nil, badAdminToken(nil)
	case err != nil:
		return nil, fmt.Errorf("reading the admin tokens: %w", err)
	}
	return admin, nil
}

// authenticateJWT returns the administrator whom a JWT identifies.
func (s *Server) authenticateJWT(ctx context.Context, presented string) (*token.Administrator, error) {
	if len(presented) > maxToken {
		return nil, badAdminToken(errors.New("the JWT is too long"))
	}
	admin, err := s.config.AdminJWTs.Verify(ctx, presented)
	if errors.Is(err, bearer.ErrInvalid) {
		return nil, badAdminToken(err)
	}
	return admin, err
}

// certified returns the administrator whose certificate a connection has, or nil. The handshake has verified it; it may
// have expired since.
func (s *Server) certified(state *tls.ConnectionState) *token.Administrator {
	if s.config.AdminCertificates == nil || state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	subject := SubjectOf(leaf)
	roles, known := s.config.AdminCertificates[subject]
	if !known || s.config.Now().After(leaf.NotAfter) {
		return nil
	}
	return &token.Administrator{Name: subject, Roles: roles}
}

// uncertified returns why a certificate gives no rights, for the log; nil if there is none, or certificates never do.
func (s *Server) uncertified(state *tls.ConnectionState) error {
	if s.config.AdminCertificates == nil || state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	return fmt.Errorf("no token was sent, and the client certificate of %q has no role or has expired",
		SubjectOf(state.VerifiedChains[0][0]))
}

// SubjectOf returns the subject of a certificate as Config.AdminCertificates has it (RFC 2253): the attributes in the
// reverse of their order in the certificate, such as CN=ops,O=Example. It is "" if the certificate has none.
func SubjectOf(certificate *x509.Certificate) string {
	var names pkix.RDNSequence
	if _, err := asn1.Unmarshal(certificate.RawSubject, &names); err != nil {
		return ""
	}
	return names.String()
}

// badAdminToken returns the error for an admin token that is unknown, has expired or was revoked. Its description does
// not tell which; cause is only logged.
func badAdminToken(cause error) error {
	return &unauthorizedError{token: true, description: "the admin token is not valid", cause: cause}
}

// onlyRoles rejects requests whose administrator has none of the roles, before anything of them is read.
func onlyRoles(roles []token.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := needRole(c, roles...); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// needRole returns an error (RFC 6750 §3.1, insufficient_scope) unless the administrator has one of the roles, or
// [token.RoleAdmin].
func needRole(c echo.Context, roles ...token.Role) error {
	return needRoleFor(c, "this call", roles...)
}

// needRoleFor is needRole for what needs more than its route does. what is the part of the request that does, for the
// error.
func needRoleFor(c echo.Context, what string, roles ...token.Role) error {
	if administratorOf(c).May(roles...) {
		return nil
	}
	var names strings.Builder
	for i, r := range roles {
		if i > 0 {
			names.WriteString(", ")
		}
		names.WriteString(string(r))
	}
	if len(roles) > 0 {
		names.WriteString(" or ")
	}
	return engine.RefuseAs(engine.InsufficientScope, "%s needs the role %s%s", what, names.String(), token.RoleAdmin)
}

// administratorOf returns the administrator who makes a call; without one, it is one without a role.
func administratorOf(c echo.Context) *token.Administrator {
	if admin, ok := c.Get(administratorKey).(*token.Administrator); ok {
		return admin
	}
	return &token.Administrator{}
}
