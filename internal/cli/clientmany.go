package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"registrar/server/adminapi"
)

// shownBeforeAsking bounds the clients that are listed before a question.
const shownBeforeAsking = 20

// manyClients are what the commands have in common that change one client, or all that match.
type manyClients struct {
	remoteFlags
	clientFilterFlags
	ID     string `arg:"" optional:"" help:"Client ID. Without one, filters select the clients."`
	DryRun bool   `help:"Show which clients would be changed, and change nothing."`
	Yes    bool   `help:"Change all that match without asking. Needed where standard input is not a terminal."`
}

// A clientChange is what a command does to each client.
type clientChange struct {
	verb, done string // delete, deleted
	apply      func(ctx context.Context, api *adminapi.API, id string) error
}

// clientChanges is the JSON output of a command on clients that match.
type clientChanges struct {
	Matched   int      `json:"matched"`
	Changed   int      `json:"changed"`
	ClientIDs []string `json:"client_ids"` // of the changed clients; in a dry run, of those that match
}

// run changes the client with the given ID, or those that match. Of one client, it prints nothing with --output json,
// as the API does.
func (c *manyClients) run(ctx context.Context, to *console, change clientChange) error {
	switch {
	case c.ID != "" && c.given():
		return usageError{errors.New("a client ID and filters exclude each other: leave one of them out")}
	case c.ID == "" && !c.given():
		return usageError{fmt.Errorf("nothing says which clients to %s: give a client ID, or a filter such as --name",
			change.verb)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	if c.ID == "" || c.DryRun {
		return c.runMany(ctx, to, api, change)
	}
	if err := change.apply(ctx, api, c.ID); err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	if c.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(to.out, change.done, printable(c.ID))
	return err
}

func (c *manyClients) runMany(ctx context.Context, to *console, api *adminapi.API, change clientChange) error {
	matched, err := c.matched(ctx, api)
	if err != nil {
		return err
	}
	result := clientChanges{Matched: len(matched), ClientIDs: []string{}}
	if c.DryRun {
		for _, client := range matched {
			result.ClientIDs = append(result.ClientIDs, client.ClientID)
		}
		return c.write(to.out, result, func(p *textWriter) {
			p.table(clientRows(matched))
			p.line("would %s %s", change.verb, clientCount(len(matched)))
		})
	}
	if err := c.confirm(ctx, to, matched, change); err != nil {
		return err
	}
	for _, client := range matched {
		if err = change.apply(ctx, api, client.ClientID); isNotFound(err) {
			err = nil // it was deleted meanwhile
			continue
		}
		if err != nil {
			err = fmt.Errorf("client %s: %w", client.ClientID, err)
			break
		}
		result.Changed++
		result.ClientIDs = append(result.ClientIDs, client.ClientID)
	}
	return errors.Join(c.write(to.out, result, func(p *textWriter) {
		p.line("%s %d of %s", change.done, result.Changed, clientCount(len(matched)))
	}), err)
}

// matched returns the clients to change.
func (c *manyClients) matched(ctx context.Context, api *adminapi.API) ([]adminapi.Client, error) {
	if c.ID == "" {
		list, err := listClients(ctx, api, c.query(), 0)
		return list.Clients, err
	}
	client, err := api.ClientOfAnyStatus(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("client %s: %w", c.ID, err)
	}
	return []adminapi.Client{client}, nil
}

// confirm prints what will change, and returns nil if the operator agrees.
func (c *manyClients) confirm(ctx context.Context, to *console, matched []adminapi.Client, change clientChange) error {
	if len(matched) == 0 || c.Yes {
		return nil
	}
	if !to.asks {
		return usageError{fmt.Errorf("this would %s %s: nothing was changed; add --yes to do it, "+
			"or --dry-run to see them", change.verb, clientCount(len(matched)))}
	}
	p := &textWriter{}
	p.table(clientRows(matched[:min(len(matched), shownBeforeAsking)]))
	if more := len(matched) - shownBeforeAsking; more > 0 {
		p.line("and %s more", clientCount(more))
	}
	if _, err := to.err.Write(p.buffer.Bytes()); err != nil {
		return err
	}
	agreed, err := to.ask(ctx, fmt.Sprintf("Do you want to %s %s?", change.verb, clientCount(len(matched))))
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if !agreed {
		return errors.New("nothing was changed")
	}
	return nil
}

// clientCount returns a number of clients: 1 client, 2 clients.
func clientCount(n int) string {
	if n == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", n)
}

func isNotFound(err error) bool {
	problem, ok := errors.AsType[*adminapi.Problem](err)
	return ok && problem.Status == http.StatusNotFound
}

// clientDeleteCommand deletes clients.
type clientDeleteCommand struct{ manyClients }

// Run deletes clients.
func (c *clientDeleteCommand) Run(ctx context.Context, to *console) error {
	return c.run(ctx, to, clientChange{verb: "delete", done: "deleted",
		apply: func(ctx context.Context, api *adminapi.API, id string) error { return api.DeleteClient(ctx, id) }})
}

// clientDisableCommand disables clients.
type clientDisableCommand struct {
	manyClients
	reasonFlags
}

// Run disables clients. Those that are disabled already do not match.
func (c *clientDisableCommand) Run(ctx context.Context, to *console) error {
	if c.Status == "any" && c.given() {
		c.Status = "active"
	}
	return c.run(ctx, to, clientChange{verb: "disable", done: "disabled",
		apply: func(ctx context.Context, api *adminapi.API, id string) error {
			_, err := api.DisableClient(ctx, id, c.Reason)
			return err
		}})
}

// clientEnableCommand makes a client active.
type clientEnableCommand struct {
	remoteFlags
	reasonFlags
	ID string `arg:"" help:"Client ID."`
}

// Run enables a client.
func (c *clientEnableCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	client, err := api.EnableClient(ctx, c.ID, c.Reason)
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.write(to.out, client, func(p *textWriter) { p.line("enabled %s", c.ID) })
}
