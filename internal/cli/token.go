package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"registrar/internal/duration"
	"registrar/server/adminapi"
)

// tokenCommands are the commands on initial access tokens.
type tokenCommands struct {
	Create tokenCreateCommand `cmd:"" help:"Create a token that may register clients. It is shown once."`
	List   tokenListCommand   `cmd:"" help:"List tokens, newest first."`
	Revoke tokenRevokeCommand `cmd:"" help:"Revoke a token. Clients registered with it stay."`
}

// tokenCreateCommand creates an initial access token.
type tokenCreateCommand struct {
	remoteFlags
	Label     string            `required:"" placeholder:"TEXT" help:"Label that tells the token from others."`
	Uses      int64             `default:"1" placeholder:"N" help:"${token_create_uses}"`
	ExpiresIn duration.Duration `default:"1d" placeholder:"DURATION" help:"${token_create_expires_in}"`
	Scope     []string          `placeholder:"SCOPE" help:"Scopes of the caller, as scripts see them."`
}

// Run creates a token and prints it.
func (c *tokenCreateCommand) Run(ctx context.Context, to *console) error {
	if time.Duration(c.ExpiresIn)%time.Second != 0 {
		return usageError{fmt.Errorf("--expires-in %s: must be whole seconds", c.ExpiresIn)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	seconds := int64(time.Duration(c.ExpiresIn) / time.Second)
	token, err := api.CreateInitialAccessToken(ctx, adminapi.NewInitialAccessToken{
		Label:     c.Label,
		MaxUses:   &c.Uses,
		ExpiresIn: &seconds,
		Scopes:    c.Scope,
	})
	if err != nil {
		return fmt.Errorf("creating a token: %w", err)
	}
	return c.write(to.out, token, func(p *textWriter) {
		p.table([][]string{
			{"token", token.Token},
			{"ID", token.ID},
			{"uses left", usesLeft(token)},
			{"expires", expiryOf(token)},
		})
		p.line("Save the token now: it is not shown again.")
	})
}

// tokenListCommand lists initial access tokens.
type tokenListCommand struct{ remoteFlags }

// Run lists tokens.
func (c *tokenListCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	tokens, err := api.InitialAccessTokens(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.InitialAccessTokens{Tokens: tokens}, func(p *textWriter) {
		rows := [][]string{{"ID", "LABEL", "USES LEFT", "EXPIRES", "SCOPES", "CREATED"}}
		for _, t := range tokens {
			scopes, created := strings.Join(t.Scopes, " "), t.CreatedAt.Format(time.DateTime)
			rows = append(rows, []string{t.ID, t.Label, usesLeft(t), expiryOf(t), scopes, created})
		}
		p.table(rows)
	})
}

// tokenRevokeCommand revokes an initial access token.
type tokenRevokeCommand struct {
	remoteFlags
	ID string `arg:"" help:"ID of the token."`
}

// Run revokes a token. With --output json it prints nothing, as the API does.
func (c *tokenRevokeCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	if err := api.DeleteInitialAccessToken(ctx, c.ID); err != nil {
		return fmt.Errorf("token %s: %w", c.ID, err)
	}
	if c.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(to.out, "revoked", printable(c.ID))
	return err
}

func usesLeft(t adminapi.InitialAccessToken) string {
	if t.UsesLeft == nil {
		return "any number"
	}
	return fmt.Sprintf("%d of %d", *t.UsesLeft, t.MaxUses)
}

func expiryOf(t adminapi.InitialAccessToken) string {
	if t.ExpiresAt == nil {
		return "never"
	}
	return t.ExpiresAt.Format(time.DateTime)
}
