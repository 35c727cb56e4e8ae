package store

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// laterColumns are the columns that are NULL or 0 in the row of a client that has just registered itself. Inserts leave
// them to the database's defaults.
var laterColumns = append([]string{"version", "previous", "former_hash", "former_salt", "former_expires_at",
	"updated_at", "updated_deployment", "updated_acts", "seen_at", "secret_issued_at", "retry_until"},
	newestUpdatedColumns...)

// A batchInsert inserts clients, one or several in one statement. It builds each statement once, while gorm's Create
// builds it anew each time and evaluates defaults and hooks, which costs more than sending it. The columns and their
// values still come from gorm.
type batchInsert struct {
	table       string
	first, rest []*schema.Field // rest are the laterColumns
	queries     sync.Map        // strings by shape
	observer    Observer        // nil means none
}

// A shape identifies a statement.
type shape struct {
	rows int
	all  bool // with the laterColumns
}

func newBatchInsert(db *gorm.DB, o Observer) (*batchInsert, error) {
	statement := gorm.Statement{DB: db}
	if err := statement.Parse(&clientRow{}); err != nil {
		return nil, err
	}
	b := &batchInsert{table: statement.Schema.Table, observer: o}
	for _, field := range statement.Schema.Fields {
		if slices.Contains(laterColumns, field.DBName) {
			b.rest = append(b.rest, field)
		} else {
			b.first = append(b.first, field)
		}
	}
	return b, nil
}

// run inserts all rows or none, in the transaction of db if it has one.
func (b *batchInsert) run(ctx context.Context, db *gorm.DB, rows []*clientRow) error {
	as := shape{rows: len(rows), all: slices.ContainsFunc(rows, func(r *clientRow) bool { return b.hasLater(ctx, r) })}
	fields := b.fields(as)
	args := make([]any, 0, len(rows)*len(fields))
	for _, row := range rows {
		value := reflect.ValueOf(row).Elem()
		for _, field := range fields {
			arg, _ := field.ValueOf(ctx, value)
			args = append(args, arg)
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

// hasLater reports whether a row has values in the laterColumns.
func (b *batchInsert) hasLater(ctx context.Context, row *clientRow) bool {
	value := reflect.ValueOf(row).Elem()
	return slices.ContainsFunc(b.rest, func(f *schema.Field) bool { return !f.ReflectValueOf(ctx, value).IsZero() })
}

func (b *batchInsert) fields(as shape) []*schema.Field {
	if as.all {
		return slices.Concat(b.first, b.rest)
	}
	return b.first
}

// query returns the statement of a shape. Both databases accept backquotes around names.
func (b *batchInsert) query(as shape) string {
	if q, ok := b.queries.Load(as); ok {
		return q.(string)
	}
	var columns []string
	for _, field := range b.fields(as) {
		columns = append(columns, "`"+field.DBName+"`")
	}
	row := "(" + strings.Repeat("?,", len(columns)-1) + "?)"
	q := "INSERT INTO `" + b.table + "` (" + strings.Join(columns, ",") + ") VALUES " +
		strings.Repeat(row+",", as.rows-1) + row
	b.queries.Store(as, q)
	return q
}
