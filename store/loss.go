package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"

	"registrar/scripts"
)

// A Loss is what a migration of the schema to an earlier version takes from the database.
type Loss struct {
	Database string // as [Store.Name]
	From, To int64  // versions of the schema; if To is not below From, nothing is lost
	// Parts are grouped by table. A column of a table that is lost is not among them.
	Parts []LostPart
	// Live are the servers that run on the database. Servers of programs before version 3 are not known.
	Live []scripts.Replica
}

// A LostPart is a table that is dropped, or a column that is dropped or changed.
type LostPart struct {
	Table   string
	Column  string // "" means the whole table
	Changed bool   // whether the column stays, with other values
	Rows    int64  // rows of the table, or those that have a value in the column, or whose value is changed
}

// Name returns TABLE or TABLE.COLUMN.
func (p LostPart) Name() string {
	if p.Column == "" {
		return p.Table
	}
	return p.Table + "." + p.Column
}

// LossOf counts what [Migrate] to a version would take from the database, and changes nothing. Servers that write
// meanwhile may change the counts. LossOf fails if the schema has a later version than [LatestVersion].
func LossOf(ctx context.Context, cfg Config, to int64) (*Loss, error) {
	b, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	loss, err := lossOf(ctx, b, to)
	if err != nil {
		return nil, fmt.Errorf("counting what is lost of %s: %w", b.name, classify(ctx, err))
	}
	return loss, nil
}

func lossOf(ctx context.Context, b *backend, to int64) (loss *Loss, err error) {
	db, err := b.migrating(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	from, err := knownVersion(ctx, b.dialect, db)
	if err != nil {
		return nil, err
	}
	files, err := migrationFiles(b.dialect)
	if err != nil {
		return nil, err
	}
	loss = &Loss{Database: b.name, From: from, To: to}
	if loss.Parts, err = countLoss(ctx, b.dialect, db, files, from, to); err != nil {
		return nil, err
	}
	if from >= replicasSince {
		list, err := readReplicas(db.QueryContext(ctx, replicaStatements[b.dialect].list, maxReplicas))
		if err != nil {
			return nil, fmt.Errorf("listing replicas: %w", err)
		}
		loss.Live = slices.DeleteFunc(list, func(r scripts.Replica) bool { return !r.Live })
	}
	return loss, nil
}

// MigrateConfirmed is [Migrate] to loss.To, for a caller that knows the loss. It fails and changes nothing if another
// process has migrated meanwhile, so that more would be lost.
func MigrateConfirmed(ctx context.Context, cfg Config, loss *Loss) (from, now int64, err error) {
	b, err := parse(cfg)
	if err != nil {
		return 0, 0, err
	}
	exclusively := b.exclusively
	b.exclusively = func(ctx context.Context, db *sql.DB, f func(context.Context, *migrationLock) error) error {
		return exclusively(ctx, db, func(ctx context.Context, lock *migrationLock) error {
			at, err := knownVersion(ctx, b.dialect, db)
			if err == nil && at > loss.To && at != loss.From {
				err = fmt.Errorf("another process has migrated the schema from version %d to %d meanwhile: "+
					"nothing was changed; try again", loss.From, at)
			}
			if err != nil {
				return err
			}
			return f(ctx, lock)
		})
	}
	from, now, err = migrate(ctx, b, loss.To)
	if err != nil {
		return from, now, fmt.Errorf("migrating %s: %w", b.name, classify(ctx, err))
	}
	return from, now, nil
}

// lossLine matches a comment of a migration that declares what its Down part takes from the schema before. Without a
// condition, all rows of the table, or those with a value in the column, are lost or changed:
//
//	-- loses table
//	-- loses table.column
//	-- loses table.column where condition
//	-- changes table.column where condition
var lossLine = regexp.MustCompile(`(?m)^-- (loses|changes) (\w+)(?:\.(\w+))?(?: where (.+))?$`)

// A declaredLoss is one such comment.
type declaredLoss struct {
	LostPart
	condition string // of SQL; "" means none
}

// lossesIn returns what the Down part of a migration declares.
func lossesIn(text string) (list []declaredLoss) {
	_, down, _ := strings.Cut(text, "-- +goose Down")
	for _, m := range lossLine.FindAllStringSubmatch(down, -1) {
		list = append(list, declaredLoss{LostPart{Table: m[2], Column: m[3], Changed: m[1] == "changes"}, m[4]})
	}
	return list
}

// lossesBetween returns what the Down parts of the migrations above a version declare, beginning with the last one. It
// leaves out columns of tables that are lost.
func lossesBetween(files fs.FS, from, to int64) (list []declaredLoss, err error) {
	for v := from; v > to; v-- {
		paths, err := fs.Glob(files, fmt.Sprintf("%05d_*.sql", v))
		if err != nil {
			return nil, err
		}
		if len(paths) != 1 {
			return nil, fmt.Errorf("migration %d: got the files %q, want one", v, paths)
		}
		text, err := fs.ReadFile(files, paths[0])
		if err != nil {
			return nil, err
		}
		list = append(list, lossesIn(string(text))...)
	}
	tables := map[string]bool{}
	for _, l := range list {
		tables[l.Table] = tables[l.Table] || l.Column == ""
	}
	return slices.DeleteFunc(list, func(l declaredLoss) bool { return l.Column != "" && tables[l.Table] }), nil
}

// countLoss counts the rows of what migrations declare. A table or column that a later migration has dropped holds
// nothing, and is left out.
func countLoss(
	ctx context.Context, dialect goose.Dialect, db *sql.DB, files fs.FS, from, to int64,
) (parts []LostPart, err error) {
	declared, err := lossesBetween(files, from, to)
	if err != nil || len(declared) == 0 {
		return nil, err
	}
	columns, err := schemaColumns(ctx, dialect, db)
	if err != nil {
		return nil, fmt.Errorf("reading the columns of the schema: %w", err)
	}
	declared = slices.DeleteFunc(declared, func(l declaredLoss) bool {
		return len(columns[l.Table]) == 0 || l.Column != "" && !slices.Contains(columns[l.Table], l.Column)
	})
	for len(declared) > 0 {
		table := declared[0].Table
		counted, err := countRows(ctx, db, table, of(table, declared))
		if err != nil {
			return nil, fmt.Errorf("counting rows of %s: %w", table, err)
		}
		parts = append(parts, counted...)
		declared = slices.DeleteFunc(declared, func(l declaredLoss) bool { return l.Table == table })
	}
	return parts, nil
}

// of returns what is declared of a table.
func of(table string, declared []declaredLoss) (list []declaredLoss) {
	for _, l := range declared {
		if l.Table == table {
			list = append(list, l)
		}
	}
	return list
}

// countRows counts what is lost of one table, in one scan. Both databases accept backquotes around names.
func countRows(ctx context.Context, db *sql.DB, table string, lost []declaredLoss) ([]LostPart, error) {
	parts, counts, dest := make([]LostPart, len(lost)), make([]string, len(lost)), make([]any, len(lost))
	for i, l := range lost {
		switch {
		case l.condition != "":
			counts[i] = "COUNT(CASE WHEN " + l.condition + " THEN 1 END)"
		case l.Column != "":
			counts[i] = "COUNT(`" + l.Column + "`)"
		default:
			counts[i] = "COUNT(*)"
		}
		parts[i], dest[i] = l.LostPart, &parts[i].Rows
	}
	query := "SELECT " + strings.Join(counts, ", ") + " FROM `" + table + "`"
	return parts, db.QueryRowContext(ctx, query).Scan(dest...)
}

// schemaColumns returns the columns of all tables of the database.
func schemaColumns(ctx context.Context, dialect goose.Dialect, db *sql.DB) (map[string][]string, error) {
	query := "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'"
	if dialect == goose.DialectMySQL {
		query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], column)
	}
	return columns, rows.Err()
}
