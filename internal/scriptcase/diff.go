package scriptcase

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Diff returns the differences of two JSON values, "" if there are none. A line is - for a value of before or + for one
// of after, a JSON Pointer (RFC 6901), and the value as JSON.
func Diff(before, after any) string {
	var d caseDiff
	d.compare("", before, after)
	return d.String()
}

// A caseDiff collects the differences between a result and what a case expects. A line is - for an expected or + for an
// actual value, a JSON Pointer into expect.json, and the value as JSON. The zero value has no differences.
type caseDiff struct{ lines strings.Builder }

// String returns the lines, "" if there are none.
func (d *caseDiff) String() string { return d.lines.String() }

// expected adds a value that is missing.
func (d *caseDiff) expected(at jsontext.Pointer, value any) { d.line("-", at, value) }

// got adds a value that is unexpected.
func (d *caseDiff) got(at jsontext.Pointer, value any) { d.line("+", at, value) }

func (d *caseDiff) line(sign string, at jsontext.Pointer, value any) {
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		text = []byte(err.Error())
	}
	fmt.Fprintf(&d.lines, "%s %s: %s%s\n", sign, at, text, timeNote(at, value))
}

// timeNote returns what a time of the response is, in parentheses, "" for other values.
func timeNote(at jsontext.Pointer, value any) string {
	seconds, ok := value.(float64)
	if !ok || at != "/response/client_id_issued_at" && at != "/response/client_secret_expires_at" {
		return ""
	}
	// RFC 7591 §3.2.1: both are seconds since 1970, and a secret that expires at 0 does not expire.
	if seconds == 0 && at == "/response/client_secret_expires_at" {
		return " (never)"
	}
	if seconds != math.Trunc(seconds) || math.Abs(seconds) > maxSeconds {
		return ""
	}
	return " (" + time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) + ")"
}

// maxSeconds is the end of the year 9999, in seconds since 1970.
const maxSeconds = 253_402_300_799

// compare adds the differences of two JSON values: of objects by member, of arrays of the same length by element.
func (d *caseDiff) compare(at jsontext.Pointer, want, got any) {
	if want, ok := want.(map[string]any); ok {
		if got, ok := got.(map[string]any); ok {
			d.compareObjects(at, want, got)
			return
		}
	}
	if want, ok := want.([]any); ok {
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				d.compare(at.AppendToken(fmt.Sprint(i)), want[i], got[i])
			}
			return
		}
	}
	if !reflect.DeepEqual(want, got) {
		d.expected(at, want)
		d.got(at, got)
	}
}

func (d *caseDiff) compareObjects(at jsontext.Pointer, want, got map[string]any) {
	all := map[string]any{}
	maps.Copy(all, want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		wanted, isWanted := want[name]
		there, isThere := got[name]
		switch at := at.AppendToken(name); {
		case !isThere:
			d.expected(at, wanted)
		case !isWanted:
			d.got(at, there)
		default:
			d.compare(at, wanted, there)
		}
	}
}
