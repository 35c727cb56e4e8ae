package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

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

// Clients returns clients that match a filter, from the last that was stored to the first: registered ones, then those
// with a metadata document, as [Store.Client] returns them. It returns at most limit of them; 0 means 100, and the
// maximum is 1000. before is the Next of the page before; 0 means the first page. Without a filter, it reads as many
// rows as it returns; with one, it examines at most 10,000 of each kind, and returns those that match and a Next if
// there are more rows.
func (s *Store) Clients(
	ctx context.Context, f engine.ClientFilter, before int64, limit int,
) (page engine.ClientPage, err error) {
	limit = pageSize(limit)
	for i := range listings {
		l := &listings[i]
		from := int64(documentsFirst - 1) // above every rowid
		switch {
		case f.Kind != "" && f.Kind != l.kind, before >= documentsFirst && l.kind == engine.KindRegistered:
			continue
		case l.kind == engine.KindDocument && !keepsDocuments:
			continue
		case before >= l.first && before != 0:
			from = before - l.first
		}
		if err := s.addPage(ctx, l, &f, from, limit, &page); err != nil {
			return engine.ClientPage{}, fmt.Errorf("listing clients: %w", classify(ctx, err))
		}
		if page.Next != 0 {
			page.Next += l.first
			break
		}
	}
	return page, nil
}

// addPage adds clients of a table to a page until it has limit of them, and sets its Next to a rowid of the table if
// there are more rows.
func (s *Store) addPage(
	ctx context.Context, l *listing, f *engine.ClientFilter, before int64, limit int, page *engine.ClientPage,
) error {
	if *f == (engine.ClientFilter{Kind: f.Kind}) {
		_, err := s.scan(ctx, l, f, before, 0, limit, page)
		return err
	}
	// The first rows fill the page of a filter that most clients match, and the keys of the others need not be read.
	fill := limit - len(page.Clients) + 1
	for _, rows := range []int{fill, maxExamined - fill} {
		var lowest int64 // rowid of the last row in the range; 0 means that no rows are left below it
		if err := s.reader.WithContext(ctx).Raw(l.lowestExamined, before, rows-1).Scan(&lowest).Error; err != nil {
			return err
		}
		scan := s.scan
		if f.Network.IsValid() {
			scan = s.scanNetwork
		}
		full, err := scan(ctx, l, f, before, lowest, limit, page)
		if err != nil || full || lowest == 0 {
			return err
		}
		before = lowest
	}
	page.Next = before
	return nil
}

// scan appends the clients that match to page, from the rows below before down to lowest. It reports whether there are
// more than limit, and then sets the page's Next.
func (s *Store) scan(
	ctx context.Context, l *listing, f *engine.ClientFilter, before, lowest int64, limit int, page *engine.ClientPage,
) (full bool, err error) {
	for {
		chunk := limit - len(page.Clients) + 1 // one more, to tell whether there is a next page
		args := append(filterArguments(f, before, lowest), chunk)
		rows, err := l.read(s, ctx, l.statements[s.beats.dialect].clients, args)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			if len(page.Clients) == limit {
				page.Next = before
				return true, nil
			}
			before = row.rowid
			matches, err := matches(f, row.caller)
			if err != nil {
				return false, fmt.Errorf("client %s: %w", row.id, err)
			}
			if !matches {
				continue
			}
			c, err := row.client()
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

// A placedCaller is the caller of a client and the client's rowid.
type placedCaller struct {
	Caller string
	Place  int64
}

// scanNetwork is scan for a filter with a network. It first reads only the callers, and then the whole rows from the
// first to the last one that matches: reading ten thousand whole rows would take several times as long.
func (s *Store) scanNetwork(
	ctx context.Context, l *listing, f *engine.ClientFilter, before, lowest int64, limit int, page *engine.ClientPage,
) (full bool, err error) {
	for {
		var rows []placedCaller
		args := append(filterArguments(f, before, lowest), networkChunk)
		if err := s.reader.WithContext(ctx).Raw(l.statements[s.beats.dialect].callers,
			args...).Scan(&rows).Error; err != nil {
			return false, err
		}
		var first, last int64 // rowids; 0 means none
		for _, row := range rows {
			matches, err := matches(f, row.Caller)
			if err != nil {
				return false, fmt.Errorf("row %d of %s clients: %w", row.Place, l.kind, err)
			}
			if matches {
				first, last = cmp.Or(first, row.Place), row.Place
			}
		}
		if first != 0 {
			if full, err := s.scan(ctx, l, f, first+1, last, limit, page); err != nil || full {
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
	return append(args, f.NeverSeen, f.Status != "", string(f.Status))
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
