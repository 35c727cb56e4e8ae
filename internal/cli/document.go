package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"registrar/server/adminapi"
)

// documentCommands are the commands on clients with metadata documents.
type documentCommands struct {
	List    documentListCommand    `cmd:"" help:"List the clients whose document is stored."`
	Show    documentShowCommand    `cmd:"" help:"Show the client of a URL; its document is fetched if need be."`
	Refresh documentRefreshCommand `cmd:"" help:"Fetch a document, even if the stored one is fresh."`
	Pin     documentPinCommand     `cmd:"" help:"Put a copy of a document in force, which is then never fetched."`
	Unpin   documentUnpinCommand   `cmd:"" help:"Have a pinned document be fetched again."`
	History documentHistoryCommand `cmd:"" help:"Show the last changes of a document."`
}

// documentFlag names a document on the server.
type documentFlag struct {
	remoteFlags
	URL string `arg:"" help:"URL of the document, which is the client ID."`
}

// documentListCommand lists clients with documents.
type documentListCommand struct{ clientListCommand }

// Run lists clients.
func (c *documentListCommand) Run(ctx context.Context, to *console) error {
	c.Kind = "document"
	return c.clientListCommand.Run(ctx, to)
}

// documentShowCommand shows the client of a document.
type documentShowCommand struct{ documentFlag }

// Run shows a client.
func (c *documentShowCommand) Run(ctx context.Context, to *console) error {
	return (&clientGetCommand{remoteFlags: c.remoteFlags, ID: c.URL}).Run(ctx, to)
}

// documentRefreshCommand fetches a document.
type documentRefreshCommand struct{ documentFlag }

// Run fetches a document, and shows what the steps make of it.
func (c *documentRefreshCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	d, err := api.RefreshDocument(ctx, c.URL)
	if err != nil {
		return fmt.Errorf("document %s: %w", c.URL, err)
	}
	return c.write(to.out, d, func(p *textWriter) {
		p.line("refreshed %s: fresh until %s", d.ClientID, timeOf(d.ExpiresAt, "the next look-up"))
		p.json(d.Metadata)
	})
}

// documentPinCommand pins a document.
type documentPinCommand struct {
	documentFlag
	reasonFlags
	File string `required:"" placeholder:"FILE" help:"The document, JSON; - is standard input."`
}

// Run pins a document.
func (c *documentPinCommand) Run(ctx context.Context, to *console) error {
	document, err := readMetadataFile(c.File, to)
	if err != nil {
		return err
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	client, err := api.PinDocument(ctx, c.URL, document, c.Reason)
	if err != nil {
		return fmt.Errorf("document %s: %w", c.URL, err)
	}
	return c.write(to.out, client, func(p *textWriter) {
		p.line("pinned %s: %s", client.ClientID, client.Document.Digest)
	})
}

// documentUnpinCommand ends a pin.
type documentUnpinCommand struct {
	documentFlag
	reasonFlags
}

// Run ends a pin.
func (c *documentUnpinCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	client, err := api.UnpinDocument(ctx, c.URL, c.Reason)
	if err != nil {
		return fmt.Errorf("document %s: %w", c.URL, err)
	}
	return c.write(to.out, client, func(p *textWriter) {
		p.line("unpinned %s: the next look-up fetches it", client.ClientID)
	})
}

// documentHistoryCommand shows the changes of a document.
type documentHistoryCommand struct{ documentFlag }

// Run shows changes, the oldest first.
func (c *documentHistoryCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	history, err := api.DocumentHistory(ctx, c.URL)
	if err != nil {
		return fmt.Errorf("document %s: %w", c.URL, err)
	}
	return c.write(to.out, history, func(p *textWriter) {
		rows := [][]string{{"AT", "FROM", "TO", "SOURCE", "MEMBERS"}}
		for _, change := range history.Changes {
			rows = append(rows, changeRow(change))
		}
		p.table(rows)
	})
}

func changeRow(c adminapi.DocumentChange) []string {
	source := "fetched"
	if c.Pinned {
		source = "pinned"
	}
	return []string{c.At.Format(time.DateTime), cmp.Or(shortDigest(c.Before), "none"), shortDigest(c.After), source,
		cmp.Or(strings.Join(c.Members, ", "), "—")}
}

// documentRows returns rows about the metadata document of a client; none for a registered client.
func documentRows(d *adminapi.Document) [][]string {
	switch {
	case d == nil:
		return nil
	case d.PinnedAt != nil:
		return [][]string{{"document", "pinned since " + d.PinnedAt.Format(time.DateTime)}, {"digest", d.Digest}}
	case !d.Kept:
		return [][]string{{"document", "not kept: each look-up fetches it"}, {"digest", cmp.Or(d.Digest, "none")}}
	}
	text := "fresh until " + timeOf(d.FreshUntil, "the next look-up")
	if d.Stale {
		text = "stale, since it cannot be fetched"
		if d.Failure != nil {
			text += ": " + d.Failure.Code
		}
	}
	return [][]string{{"document", text}, {"fetched", timeOf(d.FetchedAt, "never")}, {"digest", d.Digest}}
}

// timeOf returns a time as it is shown; otherwise is for none.
func timeOf(at *time.Time, otherwise string) string {
	if at == nil {
		return otherwise
	}
	return at.Format(time.DateTime)
}
