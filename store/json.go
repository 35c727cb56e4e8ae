package store

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// encodeJSON returns v as the JSON text of a column. The text is deterministic, distinguishes nil lists from empty
// ones, and keeps strings in raw values as written.
func encodeJSON(v any) (string, error) {
	var text strings.Builder
	err := json.MarshalWrite(&text, v, json.Deterministic(true), json.FormatNilSliceAsNull(true),
		jsontext.PreserveRawStrings(true))
	return text.String(), err
}

// encodeList returns the JSON text of l, [] if l is nil.
func encodeList[T any](l []T) (string, error) {
	if len(l) == 0 {
		return "[]", nil
	}
	return encodeJSON(l)
}

// decodeJSON decodes what encodeJSON and encodeList return.
func decodeJSON[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}
