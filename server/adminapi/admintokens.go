package adminapi

import (
	"context"
	"net/http"
	"time"
)

// A NewAdminToken requests an admin token.
type NewAdminToken struct {
	Label     string   `json:"label"`               // who or what uses it, 1 to 255 characters; no other token has it
	Roles     []string `json:"roles"`               // at least one of admin, scripts, clients, tokens, lookup, read
	ExpiresIn *int64   `json:"expires_in,omitzero"` // seconds; 0 means never, nil means 90 days
}

// An AdminToken describes an admin token.
type AdminToken struct {
	ID        string     `json:"id"`
	Token     string     `json:"token,omitzero"` // the token itself, only in the response to its creation
	Label     string     `json:"label"`
	Roles     []string   `json:"roles"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by,omitzero"` // "" means the server itself, or the command line
	ExpiresAt *time.Time `json:"expires_at,omitzero"` // nil means never
	UsedAt    *time.Time `json:"used_at,omitzero"`    // last use, to the minute; nil means none
}

// AdminTokens is a list of tokens, oldest first.
type AdminTokens struct {
	Tokens []AdminToken `json:"admin_tokens"`
}

// CreateAdminToken creates an admin token. Only its result holds the token itself.
func (a *API) CreateAdminToken(ctx context.Context, t NewAdminToken) (created AdminToken, err error) {
	err = a.post(ctx, PathAdminTokens, t, &created)
	return created, err
}

// AdminTokens lists the admin tokens in the database, oldest first.
func (a *API) AdminTokens(ctx context.Context) ([]AdminToken, error) {
	var list AdminTokens
	err := a.get(ctx, PathAdminTokens, &list)
	return list.Tokens, err
}

// RevokeAdminToken revokes an admin token. It fails with the status 409 if that is the last way to administer the
// server.
func (a *API) RevokeAdminToken(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, fill(PathAdminToken, id), nil, nil, nil)
}

// RevokeLastAdminToken is RevokeAdminToken, but also revokes the last token with the role admin.
func (a *API) RevokeLastAdminToken(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, fill(PathAdminToken, id)+"?force=true", nil, nil, nil)
}
