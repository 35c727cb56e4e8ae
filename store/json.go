package store

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// encodeJSON returns v as the JSON text of a column: always the same for the same value, a nil list told from an empty
// one, strings of raw values as they were written.
func encodeJSON(v any) (string, error) {
	var text strings.Builder
	err := json.MarshalWrite(&text, v, json.Deterministic(true), json.FormatNilSliceAsNull(true), jsontext.PreserveRawStrings(true))
	return text.String(), err
}

// encodeList returns the JSON text of l, "[]" for nil.
func encodeList[T any](l []T) (string, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	return encodeJSON(l)
}

// decodeJSON reads what encodeJSON wrote.
func decodeJSON[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}
