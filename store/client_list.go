package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"registrar/engine"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// maxExamined bounds the rows that a page of a filtered list is looked for in.
	maxExamined = 10_000
	// networkChunk is how many rows are read at once to compare their addresses, which SQL cannot.
	networkChunk = 500
)

// pageSize returns the number of rows to read for a limit of n.
func pageSize(n int) int { return min(cmp.Or(max(n, 0), defaultLimit), maxLimit) }

// lowestExamined finds the last row of a page's range. It reads only the key.
const lowestExamined = "SELECT rowid FROM clients WHERE rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?"

// listStatement returns a statement that lists columns of clients. It is one for all filters, whose values are preceded
// by 1, or by 0 where the filter has none, since a pool keeps few statements. text is an expression for a text in JSON.
//
// INSTR and SUBSTR have no wildcards. SUBSTR counts bytes in MySQL, where IDs are binary, and characters in SQLite.
// That is the same, because IDs are ASCII.
func listStatement(columns string, text func(column, member string) string) string {
	return "SELECT " + columns + ",rowid AS place FROM clients WHERE rowid < ? AND rowid >= ?" +
		" AND (? = 0 OR SUBSTR(client_id, 1, ?) = ? OR INSTR(LOWER(client_name), LOWER(?)) > 0)" +
		" AND (? = 0 OR INSTR(LOWER(client_name), LOWER(?)) > 0)" +
		" AND (? = 0 OR " + text("metadata", "software_id") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "token_id") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "issuer") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "subject") + " = ?)" +
		" AND (? = 0 OR issued_at >= ?) AND (? = 0 OR issued_at < ?)" +
		" AND (? = 0 OR seen_at IS NULL)" + hasStatus + " ORDER BY rowid DESC LIMIT ?"
}

// listing has the statements of a dialect that list whole clients, and only their callers.
type listing struct{ clients, callers string }

func newListing(text func(column, member string) string) listing {
	return listing{listStatement(clientColumns, text), listStatement("caller", text)}
}

var listStatements = map[goose.Dialect]listing{
	goose.DialectSQLite3: newListing(func(column, member string) string {
		return "json_extract(" + column + ", '$." + member + "')"
	}),
	goose.DialectMySQL: newListing(func(column, member string) string {
		return "JSON_UNQUOTE(JSON_EXTRACT(" + column + ", '$." + member + "'))"
	}),
}

// Clients returns clients that match a filter, from the last that was stored to the first. It returns at most limit of
// them; 0 means 100, and the maximum is 1000. before is the Next of the page before; 0 means the first page. Without a
// filter, it reads as many rows as it returns; with one, it examines at most 10,000, and returns those that match and a
// Next if there are more rows.
func (s *Store) Clients(
	ctx context.Context, f engine.ClientFilter, before int64, limit int,
) (page engine.ClientPage, err error) {
	page, err = s.clientPage(ctx, &f, cmp.Or(before, math.MaxInt64), pageSize(limit))
	if err != nil {
		return engine.ClientPage{}, fmt.Errorf("listing clients: %w", classify(ctx, err))
	}
	return page, nil
}

func (s *Store) clientPage(
	ctx context.Context, f *engine.ClientFilter, before int64, limit int,
) (page engine.ClientPage, err error) {
	if *f == (engine.ClientFilter{}) {
		_, err = s.scan(ctx, f, before, 0, limit, &page)
		return page, err
	}
	// The first rows fill the page of a filter that most clients match, and the keys of the others need not be read.
	for _, rows := range []int{limit + 1, maxExamined - limit - 1} {
		var lowest int64 // place in the range; 0 means that no rows are left below it
		if err = s.reader.WithContext(ctx).Raw(lowestExamined, before, rows-1).Scan(&lowest).Error; err != nil {
			return page, err
		}
		scan := s.scan
		if f.Network.IsValid() {
			scan = s.scanNetwork
		}
		full, err := scan(ctx, f, before, lowest, limit, &page)
		if err != nil || full || lowest == 0 {
			return page, err
		}
		before = lowest
	}
	page.Next = before
	return page, nil
}

// scan appends the clients that match to page, from the places below before down to lowest. It reports whether there
// are more than limit, and then sets the page's Next.
func (s *Store) scan(
	ctx context.Context, f *engine.ClientFilter, before, lowest int64, limit int, page *engine.ClientPage,
) (full bool, err error) {
	for {
		chunk := limit - len(page.Clients) + 1 // one more, to tell whether there is a next page
		var rows []placedClient
		args := append(filterArguments(f, before, lowest), chunk)
		if err := s.reader.WithContext(ctx).Raw(listStatements[s.beats.dialect].clients,
			args...).Scan(&rows).Error; err != nil {
			return false, err
		}
		for _, row := range rows {
			if len(page.Clients) == limit {
				page.Next = before
				return true, nil
			}
			before = row.Place
			matches, err := matches(f, row.Row.Caller)
			if err != nil {
				return false, fmt.Errorf("client %s: %w", row.Row.ClientID, err)
			}
			if !matches {
				continue
			}
			c, err := s.client(ctx, &row.Row)
			if err != nil {
				return false, err
			}
			page.Clients = append(page.Clients, c)
		}
		if len(rows) < chunk {
			return false, nil
		}
	}
}

// A placedCaller is the caller of a client and the client's place.
type placedCaller struct {
	Caller string
	Place  int64
}

// scanNetwork is scan for a filter with a network. It first reads only the callers, and then the whole rows from the
// first to the last one that matches: reading ten thousand whole rows would take several times as long.
func (s *Store) scanNetwork(
	ctx context.Context, f *engine.ClientFilter, before, lowest int64, limit int, page *engine.ClientPage,
) (full bool, err error) {
	for {
		var rows []placedCaller
		args := append(filterArguments(f, before, lowest), networkChunk)
		if err := s.reader.WithContext(ctx).Raw(listStatements[s.beats.dialect].callers,
			args...).Scan(&rows).Error; err != nil {
			return false, err
		}
		var first, last int64 // places; 0 means none
		for _, row := range rows {
			matches, err := matches(f, row.Caller)
			if err != nil {
				return false, fmt.Errorf("the client in place %d: %w", row.Place, err)
			}
			if matches {
				first, last = cmp.Or(first, row.Place), row.Place
			}
		}
		if first != 0 {
			if full, err := s.scan(ctx, f, first+1, last, limit, page); err != nil || full {
				return full, err
			}
		}
		if len(rows) < networkChunk {
			return false, nil
		}
		before = rows[len(rows)-1].Place
	}
}

// filterArguments returns the arguments of a list statement, except its limit.
func filterArguments(f *engine.ClientFilter, before, lowest int64) []any {
	valid := func(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
	args := []any{before, lowest,
		f.Query != "", len(f.Query), f.Query, valid(f.Query),
		f.Name != "", valid(f.Name)}
	for _, text := range []string{f.SoftwareID, f.TokenID, f.Issuer, f.Subject} {
		args = append(args, text != "", valid(text))
	}
	for _, at := range []time.Time{f.RegisteredAfter, f.RegisteredBefore} {
		set := !at.IsZero()
		if !set {
			at = time.Unix(0, 0) // MySQL has no year 1
		}
		args = append(args, set, at.UTC())
	}
	args = append(args, f.NeverSeen)
	return append(args, statusArguments(f.Status)...)
}

// matches reports whether a row that a list statement found matches the filter, by its column caller. The address of a
// caller is compared only here, and so are texts byte for byte, since MySQL ignores spaces at the end.
func matches(f *engine.ClientFilter, column string) (bool, error) {
	caller, err := decodeJSON[engine.Caller](column)
	if err != nil {
		return false, err
	}
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.TokenID, caller.TokenID) && same(f.Issuer, caller.Issuer) && same(f.Subject, caller.Subject) &&
		(!f.Network.IsValid() || f.Network.Contains(caller.IP)), nil
}
