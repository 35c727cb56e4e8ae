package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"registrar/internal/duration"
	"registrar/server/adminapi"
)

// clientFilterFlags select clients that match all of them.
type clientFilterFlags struct {
	Status           string `default:"any" enum:"any,active,disabled" placeholder:"STATUS" help:"${status}"`
	Q                string `placeholder:"TEXT" help:"Clients whose ID begins with this, or whose name contains it."`
	Name             string `placeholder:"TEXT" help:"Clients whose name contains this."`
	SoftwareID       string `placeholder:"ID" help:"Clients with this software_id."`
	CallerTokenID    string `placeholder:"ID" help:"Clients that registered with the token of this ID."`
	CallerIssuer     string `placeholder:"URL" help:"Clients that registered with a token of this issuer."`
	CallerSubject    string `placeholder:"TEXT" help:"Clients that registered with a token of this subject."`
	CallerNetwork    string `placeholder:"CIDR" help:"Clients that registered from this network, or address."`
	RegisteredAfter  moment `placeholder:"TIME" help:"${registered_after}"`
	RegisteredBefore moment `placeholder:"TIME" help:"Clients registered before this time."`
	NeverSeen        bool   `help:"Clients that were never seen in use."`
	Kind             string `default:"any" enum:"any,registered,document" placeholder:"KIND" help:"${kind}"`
}

// A moment is a flag for a time: a date in UTC, a time of RFC 3339, or a duration for as long ago. The zero value means
// that it was not given.
type moment struct{ time.Time }

// UnmarshalText reads a moment.
func (m *moment) UnmarshalText(b []byte) (err error) {
	text := string(b)
	if text == "" {
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if m.Time, err = time.Parse(layout, text); err == nil {
			return nil
		}
	}
	ago, err := duration.Parse(text)
	if err != nil || ago < 0 {
		return fmt.Errorf("%q is not a time such as 2026-01-31, 2026-01-31T12:00:00Z, or 90d for as long ago", text)
	}
	m.Time = time.Now().Add(-time.Duration(ago))
	return nil
}

// given reports whether a flag selects clients.
func (f *clientFilterFlags) given() bool {
	return *f != (clientFilterFlags{Status: "any", Kind: "any"})
}

// query returns the query of the flags.
func (f *clientFilterFlags) query() adminapi.ClientQuery {
	return adminapi.ClientQuery{
		Status:           f.Status,
		Kind:             strings.TrimPrefix(f.Kind, "any"),
		Q:                f.Q,
		Name:             f.Name,
		SoftwareID:       f.SoftwareID,
		CallerTokenID:    f.CallerTokenID,
		CallerIssuer:     f.CallerIssuer,
		CallerSubject:    f.CallerSubject,
		CallerNetwork:    f.CallerNetwork,
		RegisteredAfter:  f.RegisteredAfter.Time,
		RegisteredBefore: f.RegisteredBefore.Time,
		NeverSeen:        f.NeverSeen,
	}
}

// clientListCommand lists clients.
type clientListCommand struct {
	remoteFlags
	clientFilterFlags
	Limit int    `default:"100" placeholder:"N" help:"Clients to list, at most 1000. Default ${default}."`
	After string `placeholder:"NEXT" help:"Go on where a list ended, which printed this."`
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
	query := c.query()
	query.After = c.After
	list, err := listClients(ctx, api, query, c.Limit)
	if err != nil {
		return err
	}
	return c.write(to.out, list, func(p *textWriter) {
		p.table(clientRows(list.Clients))
		if list.Next != "" {
			p.line("There may be more: use --after %s", list.Next)
		}
	})
}

// listClients returns the first clients that match, at most limit of them; 0 means all. It reads as many pages as that
// takes: the server looks for a page in a bounded part of its clients.
func listClients(
	ctx context.Context, api *adminapi.API, query adminapi.ClientQuery, limit int,
) (list adminapi.Clients, err error) {
	list.Clients = []adminapi.Client{}
	for {
		query.Limit = adminapi.MaxPage
		if limit > 0 {
			query.Limit = min(query.Limit, limit-len(list.Clients))
		}
		page, err := api.Clients(ctx, query)
		if err != nil {
			return list, fmt.Errorf("listing clients: %w", err)
		}
		list.Clients, list.Next = append(list.Clients, page.Clients...), page.Next
		if page.Next == "" || limit > 0 && len(list.Clients) >= limit {
			return list, nil
		}
		query.After = page.Next
	}
}

// clientRows returns a table of clients.
func clientRows(clients []adminapi.Client) [][]string {
	rows := [][]string{{"CLIENT ID", "NAME", "REGISTERED", "STATUS", "SECRET"}}
	for _, client := range clients {
		name, registered := cmp.Or(client.Name(), "—"), client.IssuedAt.Format(time.DateTime)
		rows = append(rows, []string{client.ClientID, name, registered, client.Status, secretOf(client)})
	}
	return rows
}
