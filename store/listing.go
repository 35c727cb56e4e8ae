package store

import (
	"context"

	"github.com/pressly/goose/v3"

	"registrar/engine"
)

// A listing is a table that clients are listed from. Places of clients are what Next and before of a page count; within
// a table they are rowids.
type listing struct {
	kind  engine.Kind
	first int64 // added to a rowid, it is the place of the row

	// lowestExamined finds the last row of a page's range. It reads only the key.
	lowestExamined string
	statements     map[goose.Dialect]listStatements
	// read returns the clients of the rows that one of statements.clients finds.
	read func(s *Store, ctx context.Context, statement string, args []any) ([]listedClient, error)
}

// A listStatements has the statements of a dialect that list whole clients, and only their callers.
type listStatements struct{ clients, callers string }

// A listedClient is a row of a list. Its columns are decoded only if it matches.
type listedClient struct {
	id, caller string
	rowid      int64
	client     func() (*engine.Client, error)
}

// documentsFirst is the first of the places of documents, above all rowids of clients.
const documentsFirst = 1 << 62

// listings are the tables in the order of the list: registered clients, then those with a metadata document.
var listings = []listing{
	newListing(engine.KindRegistered, "clients", clientColumns, 0, (*Store).readClients),
	newListing(engine.KindDocument, "documents", documentColumns, documentsFirst, (*Store).readDocuments),
}

func newListing(
	kind engine.Kind, table, columns string, first int64,
	read func(*Store, context.Context, string, []any) ([]listedClient, error),
) listing {
	statements := map[goose.Dialect]listStatements{}
	for dialect, text := range texts {
		statements[dialect] = listStatements{listStatement(table, columns, text), listStatement(table, "caller", text)}
	}
	return listing{kind: kind, first: first, read: read, statements: statements,
		lowestExamined: "SELECT rowid FROM " + table + " WHERE rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?"}
}

// listStatement returns a statement that lists columns of the clients in a table. It is one for all filters, whose
// values are preceded by 1, or by 0 where the filter has none, since a pool keeps few statements. text returns an
// expression for a text in JSON.
//
// INSTR and SUBSTR have no wildcards. SUBSTR counts bytes in MySQL, where IDs are binary, and characters in SQLite.
// That is the same, because IDs are ASCII.
func listStatement(table, columns string, text func(column, member string) string) string {
	return "SELECT " + columns + ",rowid AS place FROM " + table + " WHERE rowid < ? AND rowid >= ?" +
		" AND (? = 0 OR SUBSTR(client_id, 1, ?) = ? OR INSTR(LOWER(client_name), LOWER(?)) > 0)" +
		" AND (? = 0 OR INSTR(LOWER(client_name), LOWER(?)) > 0)" +
		" AND (? = 0 OR " + text("metadata", "software_id") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "token_id") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "issuer") + " = ?)" +
		" AND (? = 0 OR " + text("caller", "subject") + " = ?)" +
		" AND (? = 0 OR issued_at >= ?) AND (? = 0 OR issued_at < ?)" +
		" AND (? = 0 OR seen_at IS NULL) AND (? = 0 OR COALESCE(status, 'active') = ?) ORDER BY rowid DESC LIMIT ?"
}

// texts return an expression for a text in a column with JSON.
var texts = map[goose.Dialect]func(column, member string) string{
	goose.DialectSQLite3: func(column, member string) string {
		return "json_extract(" + column + ", '$." + member + "')"
	},
	goose.DialectMySQL: func(column, member string) string {
		return "JSON_UNQUOTE(JSON_EXTRACT(" + column + ", '$." + member + "'))"
	},
}

func (s *Store) readClients(ctx context.Context, statement string, args []any) ([]listedClient, error) {
	var rows []placedClient
	err := s.reader.WithContext(ctx).Raw(statement, args...).Scan(&rows).Error
	list := make([]listedClient, len(rows))
	for i := range rows {
		row := &rows[i].Row
		list[i] = listedClient{row.ClientID, row.Caller, rows[i].Place,
			func() (*engine.Client, error) { return s.client(ctx, row) }}
	}
	return list, err
}

func (s *Store) readDocuments(ctx context.Context, statement string, args []any) ([]listedClient, error) {
	var rows []struct {
		Row   documentRow `gorm:"embedded"`
		Place int64
	}
	err := s.reader.WithContext(ctx).Raw(statement, args...).Scan(&rows).Error
	list := make([]listedClient, len(rows))
	for i := range rows {
		row := &rows[i].Row
		list[i] = listedClient{row.ClientID, row.Caller, rows[i].Place,
			func() (*engine.Client, error) { return s.documentClient(ctx, row) }}
	}
	return list, err
}
