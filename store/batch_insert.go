package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
)

// firstColumns are the columns that every insert of a client sets; see clientRow.appendFirst.
var firstColumns = []string{"client_id", "registration", "issued_at", "client_name", "metadata", "caller",
	"secret_hash", "secret_salt", "secret_expires_at", "deployment", "acts", "token_hash", "writer", "sequence", "event"}

// laterColumns are the columns that are NULL or 0 in the row of a client that has just registered itself. Inserts leave
// them to the database's defaults. See clientRow.appendLater.
var laterColumns = []string{"version", "previous", "former_hash", "former_salt", "former_expires_at",
	"updated_at", "updated_deployment", "updated_acts", "seen_at", "secret_issued_at", "retry_until",
	"status", "admin_acts"}

// appendFirst appends the values of firstColumns as the drivers take them.
func (r *clientRow) appendFirst(args []any) []any {
	args = appendNull(append(args, r.ClientID, r.Registration, r.IssuedAt), r.ClientName)
	args = appendNull(append(args, r.Metadata, r.Caller), r.SecretHash)
	args = appendNull(appendNull(args, r.SecretSalt), r.SecretExpiresAt)
	args = appendNull(append(args, r.Deployment, r.Acts), r.TokenHash)
	return append(args, r.Writer, r.Sequence, r.Event)
}

// appendLater appends the values of laterColumns as the drivers take them.
func (r *clientRow) appendLater(args []any) []any {
	args = appendNull(append(args, r.Version), r.Previous)
	args = appendNull(appendNull(appendNull(args, r.FormerHash), r.FormerSalt), r.FormerExpiresAt)
	args = appendNull(appendNull(appendNull(args, r.UpdatedAt), r.UpdatedDeployment), r.UpdatedActs)
	args = appendNull(appendNull(appendNull(args, r.SeenAt), r.SecretIssuedAt), r.RetryUntil)
	return appendNull(appendNull(args, r.Status), r.AdminActs)
}

// appendNull appends a value, or nil for NULL: a driver needs no further conversion of either.
func appendNull[T any](args []any, n sql.Null[T]) []any {
	if !n.Valid {
		return append(args, nil)
	}
	return append(args, n.V)
}

// hasLater reports whether a row has values in the laterColumns.
func (r *clientRow) hasLater() bool {
	return r.Version != 0 || r.Previous.Valid || r.FormerHash.Valid || r.FormerSalt.Valid || r.FormerExpiresAt.Valid ||
		r.UpdatedAt.Valid || r.UpdatedDeployment.Valid || r.UpdatedActs.Valid || r.SeenAt.Valid ||
		r.SecretIssuedAt.Valid || r.RetryUntil.Valid || r.Status.Valid || r.AdminActs.Valid
}

// A batchInsert inserts clients, one or several in one statement. It builds each statement once, while gorm's Create
// builds it anew each time, evaluates defaults and hooks, and reads each value by reflection, which costs more than
// sending it.
type batchInsert struct {
	queries  sync.Map // strings by shape
	observer Observer // nil means none
}

// A shape identifies a statement.
type shape struct {
	rows int
	all  bool // with the laterColumns
}

// run inserts all rows or none, in the transaction of db if it has one.
func (b *batchInsert) run(ctx context.Context, db *gorm.DB, rows []*clientRow) error {
	as := shape{rows: len(rows), all: slices.ContainsFunc(rows, (*clientRow).hasLater)}
	args := make([]any, 0, len(rows)*len(as.columns()))
	for _, row := range rows {
		args = row.appendFirst(args)
		if as.all {
			args = row.appendLater(args)
		}
	}
	var began time.Time
	if b.observer != nil {
		began = time.Now()
	}
	_, err := db.Statement.ConnPool.ExecContext(ctx, b.query(as), args...)
	if b.observer != nil {
		b.observer.StatementEnded(StatementInsert, time.Since(began))
	}
	if err == nil {
		return nil
	}
	if dialect, ok := db.Dialector.(gorm.ErrorTranslator); ok {
		err = dialect.Translate(err)
	}
	return err
}

// columns returns the columns of each row.
func (as shape) columns() []string {
	if as.all {
		return slices.Concat(firstColumns, laterColumns)
	}
	return firstColumns
}

// query returns the statement of a shape. Both databases accept backquotes around names.
func (b *batchInsert) query(as shape) string {
	if q, ok := b.queries.Load(as); ok {
		return q.(string)
	}
	var columns []string
	for _, column := range as.columns() {
		columns = append(columns, "`"+column+"`")
	}
	row := "(" + strings.Repeat("?,", len(columns)-1) + "?)"
	q := "INSERT INTO `" + clientRow{}.TableName() + "` (" + strings.Join(columns, ",") + ") VALUES " +
		strings.Repeat(row+",", as.rows-1) + row
	b.queries.Store(as, q)
	return q
}
