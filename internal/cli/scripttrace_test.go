package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
)

// Each step is followed by its changes and log lines, and nothing controls the terminal.
func TestDescribeTrace(t *testing.T) {
	fuel := int64(1234567)
	p := &textWriter{}
	describeTrace(p, []scripts.StepTrace{
		{Step: "set_scopes", Outcome: "done", Microseconds: 7, Before: []byte(`{"scope":"a b"}`),
			Changes: []byte(`{}`)},
		{Step: "set_client_name", Script: "policy", Outcome: "done", Microseconds: 12345, Fuel: &fuel,
			Before: []byte(`{"client_name":"old","contacts":["a@app.example"],"jwks":{"keys":[1],"x":1},"scope":"a b"}`),
			Changes: []byte(`{"logo_uri":"https://app.example/logo","client_name":"new \u001b[31m","jwks":{"x":null},` +
				`"contacts":null,"tos_uri":null}`),
			Request: []byte(`{"scope":"\u001b[31m","jwks":null}`),
			Log:     []string{"one\n", "two\x1b[31m"}},
		{Step: "set_client_name", Outcome: "refused", Overwrote: []scripts.Overwrite{
			{Member: "client_name#\x1b[31m", Script: "policy", Step: "set_scopes"}},
			Microseconds: 1, Before: []byte(`{}`), Changes: []byte(`{"scope":"c"}`)},
	})
	want := `STEP             BY        OUTCOME  µs     FUEL
set_scopes       built-in  done     7      —
set_client_name  policy    done     12345  1234567
    ~ client_name: "old" → "new \u001b[31m"
    - contacts: ["a@app.example"]
    ~ jwks: {"keys":[1],"x":1} → {"keys":[1]}
    + logo_uri: "https://app.example/logo"
    - request: jwks
    ~ request: scope: "\u001b[31m"
    log: one
    log: two` + "\ufffd" + `[31m
set_client_name  built-in  refused  1      —
    + scope: "c"
    warning: overwrote client_name#` + "\ufffd" + `[31m, which policy patched in set_scopes: ` +
		"patch it after the built-in step, or patch the request\n"
	if diff := cmp.Diff(want, p.buffer.String()); diff != "" {
		t.Error(diff)
	}
}
