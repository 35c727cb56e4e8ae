package store

import (
	"context"
	"reflect"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// inserts writes many rows of one type in a statement. gorm's own Create builds the statement and asks about defaults and
// hooks each time, which costs more than to send it; here a statement is built once for each number of rows. Which columns
// there are, and what a row has in them, is still gorm's to say.
type inserts struct {
	table   *schema.Schema
	queries sync.Map // a string for each number of rows
}

func newInserts(db *gorm.DB, row any) (*inserts, error) {
	statement := gorm.Statement{DB: db}
	err := statement.Parse(row)
	return &inserts{table: statement.Schema}, err
}

// run inserts rows, pointers to structs of the type, all or none.
func (in *inserts) run(ctx context.Context, db *gorm.DB, rows []*clientRow) error {
	args := make([]any, 0, len(rows)*len(in.table.DBNames))
	for _, row := range rows {
		value := reflect.ValueOf(row).Elem()
		for _, name := range in.table.DBNames {
			arg, _ := in.table.FieldsByDBName[name].ValueOf(ctx, value)
			args = append(args, arg)
		}
	}
	_, err := db.ConnPool.ExecContext(ctx, in.query(len(rows)), args...)
	if err == nil {
		return nil
	}
	if dialect, ok := db.Dialector.(gorm.ErrorTranslator); ok {
		err = dialect.Translate(err)
	}
	return err
}

// query returns the statement for n rows. Both databases take backquotes.
func (in *inserts) query(n int) string {
	if q, ok := in.queries.Load(n); ok {
		return q.(string)
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(in.table.DBNames)), ",") + "),"
	q := "INSERT INTO `" + in.table.Table + "` (`" + strings.Join(in.table.DBNames, "`,`") + "`) VALUES " +
		strings.TrimSuffix(strings.Repeat(row, n), ",")
	in.queries.Store(n, q)
	return q
}
