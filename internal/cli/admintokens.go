package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"registrar/internal/duration"
	"registrar/internal/token"
	"registrar/server/adminapi"
	"registrar/store"
)

// adminTokenCommands are the commands on admin tokens.
type adminTokenCommands struct {
	Create adminTokenCreateCommand `cmd:"" help:"Create an admin token with roles. It is shown once."`
	List   adminTokenListCommand   `cmd:"" help:"List admin tokens, oldest first."`
	Revoke adminTokenRevokeCommand `cmd:"" help:"Revoke an admin token. It is invalid within a second on all servers."`
	Reset  adminTokenResetCommand  `cmd:"" help:"${admin_token_reset_command}"`
}

// adminTokenCreateCommand creates an admin token.
type adminTokenCreateCommand struct {
	remoteFlags
	Label     string            `required:"" placeholder:"TEXT" help:"${admin_token_create_label}"`
	Role      []string          `required:"" placeholder:"ROLE" help:"${admin_token_create_role}"`
	ExpiresIn duration.Duration `default:"90d" placeholder:"DURATION" help:"${admin_token_create_expires_in}"`
}

// Run creates a token and prints it.
func (c *adminTokenCreateCommand) Run(ctx context.Context, to *console) error {
	if _, err := token.ReadRoles(c.Role); err != nil {
		return usageError{fmt.Errorf("--role: %w", err)}
	}
	seconds, err := wholeSeconds(c.ExpiresIn)
	if err != nil {
		return err
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	made, err := api.CreateAdminToken(ctx, adminapi.NewAdminToken{Label: c.Label, Roles: c.Role, ExpiresIn: &seconds})
	if err != nil {
		return fmt.Errorf("creating an admin token: %w", err)
	}
	return c.write(to.out, made, func(p *textWriter) { printAdminToken(p, made) })
}

// wholeSeconds returns the seconds of --expires-in.
func wholeSeconds(d duration.Duration) (int64, error) {
	if d < 0 || time.Duration(d)%time.Second != 0 {
		return 0, usageError{fmt.Errorf("--expires-in %s: must be whole seconds, 0 or more", d)}
	}
	return int64(time.Duration(d) / time.Second), nil
}

func printAdminToken(p *textWriter, t adminapi.AdminToken) {
	p.table([][]string{
		{"token", t.Token},
		{"ID", t.ID},
		{"label", t.Label},
		{"roles", strings.Join(t.Roles, " ")},
		{"expires", orNever(t.ExpiresAt)},
	})
	p.line("Save the token now: it is not shown again.")
}

// orNever returns a time for people; nil is never.
func orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Format(time.DateTime)
}

// adminTokenListCommand lists admin tokens.
type adminTokenListCommand struct{ remoteFlags }

// Run lists tokens.
func (c *adminTokenListCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	tokens, err := api.AdminTokens(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.AdminTokens{Tokens: tokens}, func(p *textWriter) {
		rows := [][]string{{"ID", "LABEL", "ROLES", "EXPIRES", "LAST USED", "CREATED", "BY"}}
		for _, t := range tokens {
			expires := orNever(t.ExpiresAt)
			if t.ExpiresAt != nil && !time.Now().Before(*t.ExpiresAt) {
				expires += " (expired)"
			}
			rows = append(rows, []string{t.ID, t.Label, strings.Join(t.Roles, " "), expires, orNever(t.UsedAt),
				t.CreatedAt.Format(time.DateTime), t.CreatedBy})
		}
		p.table(rows)
	})
}

// adminTokenRevokeCommand revokes an admin token.
type adminTokenRevokeCommand struct {
	remoteFlags
	ID    string `arg:"" name:"id-or-label" help:"ID of the token, or its label."`
	Force bool   `help:"${admin_token_revoke_force}"`
}

// Run revokes a token. With --output json it prints nothing, as the API does.
func (c *adminTokenRevokeCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	revoke := api.RevokeAdminToken
	if c.Force {
		revoke = api.RevokeLastAdminToken
	}
	tokens, err := api.AdminTokens(ctx)
	if err != nil {
		return err
	}
	t, err := namedToken(tokens, c.ID, time.Now())
	if err != nil {
		return fmt.Errorf("admin token %s: %w", c.ID, err)
	}
	if err := revoke(ctx, t.ID); err != nil {
		if p, ok := errors.AsType[*adminapi.Problem](err); ok && p.Status == http.StatusConflict {
			return fmt.Errorf("admin token %s: %w (--force)", c.ID, token.ErrLast)
		}
		return fmt.Errorf("admin token %s: %w", c.ID, err)
	}
	if c.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintf(to.out, "revoked %s (%s)\n", printable(t.ID), printable(t.Label))
	return err
}

// namedToken returns the token whose ID or, if there is none, label is name. Of the tokens with the label, those that
// have expired count only if all have. It is an error if several are left.
func namedToken(tokens []adminapi.AdminToken, name string, now time.Time) (found adminapi.AdminToken, err error) {
	var valid, expired []adminapi.AdminToken
	for _, t := range tokens {
		switch {
		case t.ID == name:
			return t, nil
		case t.Label != name:
		case t.ExpiresAt != nil && !now.Before(*t.ExpiresAt):
			expired = append(expired, t)
		default:
			valid = append(valid, t)
		}
	}
	if len(valid) == 0 {
		valid = expired
	}
	switch len(valid) {
	case 0:
		return found, errors.New("no token has this ID or label: registrar admin-token list shows them")
	case 1:
		return valid[0], nil
	}
	ids := make([]string, len(valid))
	for i, t := range valid {
		ids[i] = t.ID
	}
	return found, fmt.Errorf("%d tokens have this label: name one by its ID: %s", len(ids), strings.Join(ids, ", "))
}

// adminTokenResetCommand creates an admin token without a server.
type adminTokenResetCommand struct {
	databaseFlags
	outputFlags
	Label        string            `placeholder:"TEXT" help:"Label of the token. Defaults to reset and the time."`
	ExpiresIn    duration.Duration `default:"90d" placeholder:"DURATION" help:"${admin_token_reset_expires_in}"`
	RevokeOthers bool              `help:"${admin_token_reset_revoke_others}"`
}

// Run creates a token with the role admin in the database, and prints it. Servers accept it within a second.
func (c *adminTokenResetCommand) Run(ctx context.Context, to *console) (err error) {
	seconds, err := wholeSeconds(c.ExpiresIn)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	if c.Label == "" {
		c.Label = "reset " + now.Format(time.DateTime)
	}
	if err := token.CheckLabel(c.Label); err != nil {
		return usageError{fmt.Errorf("--label: %w", err)}
	}
	authorities, err := c.authorities()
	if err != nil {
		return usageError{err}
	}
	db, err := store.Open(ctx, store.Config{Database: c.Database, DatabaseCA: authorities})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	made, others, err := c.reset(ctx, db, now, time.Duration(seconds)*time.Second)
	if err != nil {
		return err
	}
	return c.write(to.out, made, func(p *textWriter) {
		printAdminToken(p, made)
		for _, t := range others {
			p.line("%s too has the role admin: registrar admin-token revoke %s", t.Label, t.ID)
		}
	})
}

// reset stores a token, and returns it and the others that have the role admin afterwards.
func (c *adminTokenResetCommand) reset(
	ctx context.Context, db token.AdminStore, now time.Time, lifetime time.Duration,
) (made adminapi.AdminToken, others []token.Admin, err error) {
	secret, _, err := token.New(rand.Reader)
	if err != nil {
		return made, nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return made, nil, err
	}
	t := token.Admin{ID: id.String(), Label: c.Label, Roles: []token.Role{token.RoleAdmin}, CreatedAt: now}
	made = adminapi.AdminToken{ID: t.ID, Token: secret, Label: t.Label, Roles: []string{string(token.RoleAdmin)},
		CreatedAt: now}
	if lifetime > 0 {
		t.ExpiresAt = now.Add(lifetime)
		made.ExpiresAt = &t.ExpiresAt
	}
	t.Hash = t.HashOf(secret)
	if _, err := db.AddAdminToken(ctx, t); err != nil {
		return made, nil, err
	}
	all, err := db.AdminTokens(ctx)
	if err != nil {
		return made, nil, err
	}
	for _, other := range all {
		switch {
		case other.ID == t.ID || !slices.Contains(other.Roles, token.RoleAdmin):
		case c.RevokeOthers:
			err = errors.Join(err, db.DeleteAdminToken(ctx, other.ID))
		default:
			others = append(others, other)
		}
	}
	return made, others, err
}
