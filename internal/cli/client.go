package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/server/adminapi"
)

// clientCommands are the commands on registered clients.
type clientCommands struct {
	List         clientListCommand         `cmd:"" help:"List registered clients, the last one first."`
	Get          clientGetCommand          `cmd:"" help:"Show a client."`
	Create       clientCreateCommand       `cmd:"" help:"Register a client by hand. Its secret is shown once."`
	Update       clientUpdateCommand       `cmd:"" help:"Change the metadata of a client."`
	Disable      clientDisableCommand      `cmd:"" help:"Disable a client, or all that match."`
	Enable       clientEnableCommand       `cmd:"" help:"Make a disabled client active."`
	Delete       clientDeleteCommand       `cmd:"" help:"Delete a client, or all that match."`
	RotateSecret clientRotateSecretCommand `cmd:"" help:"Give a client a new secret. It is shown once."`
	VerifySecret clientVerifySecretCommand `cmd:"" help:"Check whether a secret authenticates a client."`
	ReissueToken clientReissueTokenCommand `cmd:"" help:"${client_reissue_token_command}"`
}

// clientGetCommand shows one client.
type clientGetCommand struct {
	remoteFlags
	ID string `arg:"" help:"Client ID."`
}

// Run shows a client.
func (c *clientGetCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	client, err := api.ClientOfAnyStatus(ctx, c.ID)
	if problem, is := errors.AsType[*adminapi.Problem](err); is && problem.Status == http.StatusForbidden {
		client, err = api.Client(ctx, c.ID) // the role lookup reads active clients
	}
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.write(to.out, client, func(p *textWriter) {
		rows := [][]string{
			{"client ID", client.ClientID},
			{"registered", client.IssuedAt.Format(time.DateTime)},
			{"status", client.Status},
			{"kind", client.Kind},
			{"last seen", seenOf(client)},
			{"secret", secretOf(client)},
			{"deployment", fmt.Sprint(client.Deployment)},
			{"caller", string(client.Caller)},
		}
		p.table(slices.Concat(rows, documentRows(client.Document), actsOf(client), adminActsOf(client)))
		p.json(client.Metadata)
	})
}

// actsOf returns a row for each step that a script ran.
func actsOf(c adminapi.Client) [][]string {
	var acts []engine.Act
	if json.Unmarshal(c.Acts, &acts) != nil { // written by another version
		return [][]string{{"scripts", string(c.Acts)}}
	}
	var rows [][]string
	for _, a := range acts {
		changed := cmp.Or(strings.Join(a.Changed, ", "), "nothing")
		if a.Request != nil {
			changed += ", and in the request " + strings.Join(a.Request, ", ")
		}
		text := fmt.Sprintf("%s in %s changed %s (%s)", a.Script, a.Step, changed, a.Module)
		rows = append(rows, []string{"script", text})
	}
	return rows
}

// adminActsOf returns a row for each thing that an administrator did.
func adminActsOf(c adminapi.Client) [][]string {
	if c.AdminActs == nil {
		return nil
	}
	var acts []engine.AdminAct
	if json.Unmarshal(c.AdminActs, &acts) != nil { // written by another version
		return [][]string{{"administrators", string(c.AdminActs)}}
	}
	var rows [][]string
	for _, a := range acts {
		text := fmt.Sprintf("by %s at %s", a.By, a.At.Format(time.DateTime))
		if a.Issuer != "" {
			text = fmt.Sprintf("by %s of %s at %s", a.By, a.Issuer, a.At.Format(time.DateTime))
		}
		if a.NoScripts {
			text += ", without scripts"
		}
		if a.Reason != "" {
			text += ": " + a.Reason
		}
		rows = append(rows, []string{strings.ReplaceAll(string(a.Action), "_", " "), text})
	}
	return rows
}

func seenOf(c adminapi.Client) string {
	if c.SeenAt == nil {
		return "never"
	}
	return c.SeenAt.Format(time.DateTime)
}

func secretOf(c adminapi.Client) string {
	switch {
	case !c.HasSecret:
		return "none"
	case c.SecretExpiresAt == nil:
		return "never expires"
	}
	return "until " + c.SecretExpiresAt.Format(time.DateTime)
}
