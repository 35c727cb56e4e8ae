package store

import (
	"database/sql/driver"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"
)

// An insert has a value for each column that gorm reads from a row, and the same ones: of a row without values, of rows
// with a value in one field each, and of one with all.
func TestInsertsHaveEveryColumn(t *testing.T) {
	t.Parallel()
	s, err := schema.Parse(&clientRow{}, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		t.Fatal(err)
	}
	columns := shape{all: true}.columns()
	if got := slices.Sorted(slices.Values(columns)); !slices.Equal(got, slices.Sorted(slices.Values(s.DBNames))) {
		t.Fatalf("inserts have the columns %q, a row has %q", got, s.DBNames)
	}
	all := &clientRow{}
	compareInsert(t, "no field", s, all)
	for _, field := range s.Fields {
		row := &clientRow{}
		setField(t, field.ReflectValueOf(t.Context(), reflect.ValueOf(row).Elem()))
		setField(t, field.ReflectValueOf(t.Context(), reflect.ValueOf(all).Elem()))
		compareInsert(t, field.Name, s, row)
		if got, want := row.hasLater(), slices.Contains(laterColumns, field.DBName); got != want {
			t.Errorf("a row with %s has later columns: %v, want %v", field.Name, got, want)
		}
	}
	compareInsert(t, "all fields", s, all)
}

func compareInsert(t *testing.T, name string, s *schema.Schema, row *clientRow) {
	t.Helper()
	values := row.appendLater(row.appendFirst(nil))
	got, want := map[string]any{}, map[string]any{}
	for i, column := range (shape{all: true}).columns() {
		got[column] = values[i]
		value, _ := s.FieldsByDBName[column].ValueOf(t.Context(), reflect.ValueOf(row).Elem())
		converted, err := driver.DefaultParameterConverter.ConvertValue(value)
		if err != nil {
			t.Fatalf("%s: %v", column, err)
		}
		want[column] = converted
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with %s (-gorm +insert):\n%s", name, diff)
	}
}

// setField sets a field of a row to a value other than zero.
func setField(t *testing.T, field reflect.Value) {
	t.Helper()
	if valid := reflect.Indirect(field); valid.Kind() == reflect.Struct && valid.Type() != reflect.TypeFor[time.Time]() {
		setField(t, field.FieldByName("V"))
		field.FieldByName("Valid").SetBool(true)
		return
	}
	switch v := field.Addr().Interface().(type) {
	case *string:
		*v = "text"
	case *[]byte:
		*v = []byte("bytes")
	case *int64:
		*v = 1 << 40
	case *time.Time:
		*v = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	default:
		t.Fatalf("no value for a %s", field.Type())
	}
}
