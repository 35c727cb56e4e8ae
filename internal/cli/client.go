package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/server/adminapi"
)

// clientCommands are the commands on registered clients.
type clientCommands struct {
	List   clientListCommand   `cmd:"" help:"List registered clients, ordered by ID."`
	Get    clientGetCommand    `cmd:"" help:"Show a client."`
	Delete clientDeleteCommand `cmd:"" help:"Delete a client."`
}

// clientListCommand lists a page of clients.
type clientListCommand struct {
	remoteFlags
	Limit int    `default:"100" placeholder:"N" help:"Clients to list, at most 1000. Default ${default}."`
	After string `placeholder:"ID" help:"Start after this client ID."`
	Q     string `placeholder:"TEXT" help:"List clients whose ID begins with this, or whose name contains it."`
}

// Run lists clients.
func (c *clientListCommand) Run(ctx context.Context, to *console) error {
	if c.Limit < 1 || c.Limit > adminapi.MaxPage {
		return usageError{fmt.Errorf("--limit %d: must be 1 to %d", c.Limit, adminapi.MaxPage)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	clients, err := api.Clients(ctx, adminapi.ClientQuery{Limit: c.Limit, After: c.After, Q: c.Q})
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Clients{Clients: clients}, func(p *textWriter) {
		rows := [][]string{{"CLIENT ID", "NAME", "REGISTERED", "SECRET"}}
		for _, client := range clients {
			name, registered := cmp.Or(client.Name(), "—"), client.IssuedAt.Format(time.DateTime)
			rows = append(rows, []string{client.ClientID, name, registered, secretOf(client)})
		}
		p.table(rows)
		if len(clients) == c.Limit {
			p.line("There may be more: use --after %s", clients[len(clients)-1].ClientID)
		}
	})
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
	client, err := api.Client(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.write(to.out, client, func(p *textWriter) {
		rows := [][]string{
			{"client ID", client.ClientID},
			{"registered", client.IssuedAt.Format(time.DateTime)},
			{"secret", secretOf(client)},
			{"deployment", fmt.Sprint(client.Deployment)},
			{"caller", string(client.Caller)},
		}
		p.table(append(rows, actsOf(client)...))
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

// clientDeleteCommand deletes one client.
type clientDeleteCommand struct {
	remoteFlags
	ID string `arg:"" help:"Client ID."`
}

// Run deletes a client. With --output json it prints nothing, as the API does.
func (c *clientDeleteCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	if err := api.DeleteClient(ctx, c.ID); err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	if c.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(to.out, "deleted", printable(c.ID))
	return err
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
