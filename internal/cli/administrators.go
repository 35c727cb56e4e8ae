package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"registrar/internal/app"
	"registrar/internal/keyset"
	"registrar/internal/token"
	"registrar/server/bearer"
)

// administratorFlags say who administers the server beside the holders of admin tokens.
type administratorFlags struct {
	AdminIssuer    []string `placeholder:"ISSUER=JWKS" help:"${admin_issuer}"`
	AdminAudience  []string `placeholder:"[ISSUER=]AUDIENCE" help:"${admin_audience}"`
	AdminRoleClaim string   `default:"roles" placeholder:"NAME" help:"${admin_role_claim}"`
	AdminRole      []string `placeholder:"VALUE=ROLE" help:"${admin_role}"`
	AdminCertRole  []string `name:"admin-cert-role" sep:";" placeholder:"SUBJECT=ROLE" help:"${admin_cert_role}"`
}

// configure checks the flags and stores who they name in c. clientCA is --admin-client-ca.
func (f *administratorFlags) configure(c *app.Config, clientCA string, keys keyset.Config) (err error) {
	c.Server.AdminJWTs, err = f.jwts(keys)
	return errors.Join(err, f.certificateRoles(c, clientCA))
}

// certificateRoles reads which subjects of client certificates have which roles.
func (f *administratorFlags) certificateRoles(c *app.Config, clientCA string) (err error) {
	if len(f.AdminCertRole) == 0 {
		return nil
	}
	if clientCA == "" {
		return errors.New("--admin-cert-role needs --admin-client-ca: without it, clients show no certificate")
	}
	c.Server.AdminCertificates, err = readRoles("--admin-cert-role", "SUBJECT", f.AdminCertRole)
	if err != nil {
		return err
	}
	for subject := range c.Server.AdminCertificates {
		if !strings.Contains(subject, "=") {
			return fmt.Errorf("--admin-cert-role %q: the subject must be a distinguished name such as CN=ops,O=Example",
				subject)
		}
		if n := utf8.RuneCountInString(subject); n > bearer.MaxSubject {
			return fmt.Errorf("--admin-cert-role %.40q…: the subject has %d characters: at most %d are allowed, "+
				"since rows "+
				"name administrators by it", subject, n, bearer.MaxSubject)
		}
	}
	return nil
}

// jwts returns the verifier of the JWTs of administrators, nil if no issuer of them is trusted.
func (f *administratorFlags) jwts(keys keyset.Config) (*bearer.Administrators, error) {
	if len(f.AdminIssuer) == 0 {
		if len(f.AdminAudience)+len(f.AdminRole) > 0 {
			return nil, errors.New("--admin-audience and --admin-role need --admin-issuer")
		}
		return nil, nil
	}
	sets, err := keyset.ParseIssuers(f.AdminIssuer, keys)
	if err != nil {
		return nil, fmt.Errorf("--admin-issuer: %w", err)
	}
	audiences, err := divide(sets, "--admin-audience", "AUDIENCE", f.AdminAudience)
	if err != nil {
		return nil, err
	}
	issuers := make(map[string]bearer.Issuer, len(sets))
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		issuer := bearer.Issuer{Keys: sets[name], Audiences: audiences.of(name)}
		// Tokens for other servers must not administer this one.
		if len(issuer.Audiences) == 0 {
			return nil, fmt.Errorf("--admin-audience: name the audience of the tokens of %s", name)
		}
		issuers[name] = issuer
	}
	roles, err := readRoles("--admin-role", "VALUE", f.AdminRole)
	if err != nil {
		return nil, err
	}
	if len(roles) == 0 {
		return nil, errors.New("--admin-issuer needs --admin-role VALUE=ROLE: without it, its tokens would allow " +
			"nothing")
	}
	v, err := bearer.NewAdministrators(bearer.AdministratorsConfig{Issuers: issuers, Claim: f.AdminRoleClaim,
		Roles: roles})
	if err != nil {
		return nil, fmt.Errorf("--admin-issuer: %w", err)
	}
	return v, nil
}

// readRoles reads the values NAME=ROLE of a flag. NAME may hold equals signs.
func readRoles(flag, form string, list []string) (map[string][]token.Role, error) {
	roles := map[string][]token.Role{}
	for _, entry := range list {
		i := strings.LastIndexByte(entry, '=')
		if i < 1 {
			return nil, fmt.Errorf("%s %q: must be %s=ROLE", flag, entry, form)
		}
		name, role := entry[:i], token.Role(entry[i+1:])
		if !role.Known() {
			return nil, fmt.Errorf("%s %q: the role %q must be one of %s", flag, entry, role,
				strings.ReplaceAll(token.EncodeRoles(token.Roles()), " ", ", "))
		}
		if !slices.Contains(roles[name], role) {
			roles[name] = append(roles[name], role)
		}
	}
	return roles, nil
}
