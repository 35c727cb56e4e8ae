package store

import (
	"context"
	"sync"

	"gorm.io/gorm/schema"
)

// Classify is classify.
func Classify(ctx context.Context, err error) error { return classify(ctx, err) }

// RowColumns returns the columns that the row types have, by table.
func RowColumns() (map[string][]string, error) {
	columns := map[string][]string{}
	for _, row := range []any{&clientRow{}, &moduleRow{}, &deploymentRow{}, &adminTokenRow{}} {
		s, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			return nil, err
		}
		columns[s.Table] = s.DBNames
	}
	return columns, nil
}

// ReadValue and WriteValue return the one value of a query, asked where s reads and where it writes.
func (s *Store) ReadValue(query string) (v string, err error) {
	err = s.reader.Raw(query).Row().Scan(&v)
	return v, err
}

func (s *Store) WriteValue(query string) (v string, err error) {
	err = s.writer.Raw(query).Row().Scan(&v)
	return v, err
}
