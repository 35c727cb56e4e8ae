package store

import (
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document returns v as the JSON text of a column: always the same for the same value, a nil list told from an empty
// one, strings of raw values as they were written.
func document(v any) (string, error) {
	var text strings.Builder
	err := json.MarshalWrite(&text, v, json.Deterministic(true), json.FormatNilSliceAsNull(true), jsontext.PreserveRawStrings(true))
	return text.String(), err
}

// list returns the JSON text of l, "[]" for nil.
func list[T any](l []T) (string, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	return document(l)
}

// parsed reads what document wrote.
func parsed[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

var errNoTime = errors.New("the time is missing")

// instant returns t as it is kept: UTC, in whole microseconds. MySQL would round, which may lead into the next day.
func instant(t time.Time) (time.Time, error) {
	if t.IsZero() {
		return t, errNoTime
	}
	return t.UTC().Truncate(time.Microsecond), nil
}
