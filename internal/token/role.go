package token

import (
	"fmt"
	"slices"
	"strings"
)

// A Role says which calls of the admin API its holder may make. The table of routes in package server has the roles of
// each call.
type Role string

// The roles. Each is a group of calls; none but [RoleAdmin] contains another.
const (
	RoleAdmin   Role = "admin"   // every call, and whatever only an admin may ask for
	RoleScripts Role = "scripts" // modules, deployments, dry runs, replays and shadows
	RoleClients Role = "clients" // list, read, change and delete clients, and rotate their secrets
	RoleTokens  Role = "tokens"  // initial access tokens
	RoleLookup  Role = "lookup"  // what an authorization server needs: one client by its ID, verify-secret and seen
	RoleRead    Role = "read"    // every GET: everything but secrets; changes nothing
)

var roles = []Role{RoleAdmin, RoleScripts, RoleClients, RoleTokens, RoleLookup, RoleRead}

// Roles returns all roles.
func Roles() []Role { return slices.Clone(roles) }

// Known reports whether r is one of [Roles].
func (r Role) Known() bool { return slices.Contains(roles, r) }

// EncodeRoles returns roles in the order of [Roles], each once, between spaces.
func EncodeRoles(list []Role) string {
	var b strings.Builder
	for _, r := range roles {
		if !slices.Contains(list, r) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(r))
	}
	return b.String()
}

// DecodeRoles returns the roles in a text of [EncodeRoles]. It leaves out what is not a role: a role of a later program
// gives no rights here.
func DecodeRoles(text string) (list []Role) {
	for word := range strings.FieldsSeq(text) {
		if r := Role(word); r.Known() && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// ReadRoles returns the roles of these names, each once. It returns an error if there is none, or one is not a role.
func ReadRoles(names []string) (list []Role, err error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("roles: at least one is needed: %s", roleNames())
	}
	for i, name := range names {
		r := Role(name)
		if !r.Known() {
			return nil, fmt.Errorf("roles[%d] %.40q: must be one of %s", i, name, roleNames())
		}
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list, nil
}

// roleNames returns all roles, for messages.
func roleNames() string { return strings.ReplaceAll(EncodeRoles(roles), " ", ", ") }

// An Administrator is who makes calls of the admin API.
type Administrator struct {
	Name   string // label of a token, or subject of a JWT or certificate; the log and rows have it as "by"
	Issuer string // of a JWT; "" means another credential
	Roles  []Role // none means that no call is allowed
}

// May reports whether the administrator has [RoleAdmin] or one of the roles.
func (a *Administrator) May(needed ...Role) bool {
	return slices.Contains(a.Roles, RoleAdmin) ||
		slices.ContainsFunc(needed, func(r Role) bool { return slices.Contains(a.Roles, r) })
}
