package host_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// client returns a client with the given metadata.
func client(t testing.TB, metadata string) *engine.Client {
	t.Helper()
	c := &engine.Client{ID: "client"}
	if err := json.Unmarshal([]byte(metadata), &c.Metadata); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompareClients(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 2000)
	for _, c := range []struct{ name, old, current, want string }{
		{"alike", `{"client_name":"A","scope":"a"}`, `{"scope":"a","client_name":"A"}`, `[]`},
		{"white space, escapes and order in raw values",
			`{"jwks":{"keys":[ {"a":1,"b":"\u0041"} ]},"client_name#ja":"A"}`,
			`{"jwks":{"keys":[{"b":"A","a":1}]},"client_name#ja":"\u0041"}`, `[]`},
		{"changed", `{"client_name":"A","redirect_uris":["https://a.example/"]}`,
			`{"client_name":"B","redirect_uris":[]}`,
			`[{"member":"client_name","old":"A","new":"B"},{"member":"redirect_uris","old":["https://a.example/"],"new":[]}]`},
		{"added and gone", `{"scope":"a","default_max_age":0}`, `{"client_name#de":"Ä"}`,
			`[{"member":"client_name#de","new":"Ä"},{"member":"default_max_age","old":0},{"member":"scope","old":"a"}]`},
		{"large numbers", `{"jwks":{"n":12345678901234567890}}`, `{"jwks":{"n":12345678901234567891}}`,
			`[{"member":"jwks","old":{"n":12345678901234567890},"new":{"n":12345678901234567891}}]`},
		{"lists in another order", `{"contacts":["a","b"]}`, `{"contacts":["b","a"]}`,
			`[{"member":"contacts","old":["a","b"],"new":["b","a"]}]`},
		{"extension members", `{"x_key":"hidden-1","x_same":1}`, `{"x_key":"hidden-2","x_new":"hidden-3","x_same":1}`,
			`[{"member":"x_key","withheld":true},{"member":"x_new","withheld":true}]`},
		{"a software statement", `{"software_statement":"hidden-1"}`, `{"software_statement":"hidden-2"}`,
			`[{"member":"software_statement","withheld":true}]`},
		{"what only the server sets", `{"client_secret":"hidden-1","client_id":"a","client_id_issued_at":1}`,
			`{"client_secret":"hidden-2","client_secret_expires_at":2,"registration_access_token":"hidden-3",` +
				`"registration_client_uri":"c"}`, `[]`},
		{"long values", `{"client_name":"` + long + `"}`, `{"client_name":"short"}`,
			`[{"member":"client_name","old":"\"` + strings.Repeat("é", 511) + `","new":"short","cut":true}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := host.Compare(host.Ending{Client: client(t, c.old)}, host.Ending{Client: client(t, c.current)})
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(got.Differences, json.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(b)); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
			if got.Same() != (c.want == "[]") {
				t.Errorf("Same() is %v", got.Same())
			}
			if strings.Contains(string(b), "hidden") {
				t.Errorf("a secret value is in the comparison: %s", b)
			}
		})
	}
}

// Neither many members nor long names or values make a comparison large.
func TestComparisonIsBounded(t *testing.T) {
	t.Parallel()
	large := client(t, `{}`)
	large.Metadata.Other = map[string]jsontext.Value{}
	value := jsontext.Value(`"` + strings.Repeat(`\\`, 30_000) + `"`)
	for i := range 300 {
		large.Metadata.Other[fmt.Sprintf("client_name#x-%05d-%s", i, strings.Repeat("a", 5000))] = value
	}
	got, err := host.Compare(host.Ending{Client: client(t, `{}`)}, host.Ending{Client: large})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Differences) != scripts.MaxDifferences || got.More != 200 || got.Same() {
		t.Errorf("got %d differences and %d more", len(got.Differences), got.More)
	}
	b, err := json.Marshal(got)
	if most := scripts.MaxDifferences * 5 * scripts.MaxValue; err != nil || len(b) > most {
		t.Errorf("%d bytes, want at most %d; %v", len(b), most, err)
	}
}

func TestCompareEndings(t *testing.T) {
	t.Parallel()
	registered := host.Ending{Client: client(t, `{"client_name":"A"}`)}
	refused := host.Ending{Err: fmt.Errorf("wrapped: %w", engine.Refuse("no"))}
	other := host.Ending{Err: engine.RefuseAs(engine.InvalidRedirectURI, "no")}
	failed := host.Ending{Err: &host.ScriptError{Script: "s", Module: "m", Step: "set_scopes", Reason: "it trapped"}}
	unavailable := host.Ending{Err: fmt.Errorf("the pool: %w", engine.ErrUnavailable)}
	for _, c := range []struct {
		name    string
		was, is host.Ending
		same    bool
		want    string
	}{
		{"both registered", registered, registered, true, `{"was":"registered","is":"registered","differences":[]}`},
		{"refused now", registered, refused, false,
			`{"was":"registered","is":"refused","error":{"error":"invalid_client_metadata","error_description":"no"},` +
				`"differences":[]}`},
		{"failed now", registered, failed, false,
			`{"was":"registered","is":"failed","error":{"error":"server_error","error_description":"script s (m) ` +
				`failed in set_scopes: it trapped"},"differences":[]}`},
		{"unavailable now", registered, unavailable, false,
			`{"was":"registered","is":"failed","error":{"error":"temporarily_unavailable","error_description":"the ` +
				`pool: temporarily unavailable"},"differences":[]}`},
		{"registered now", refused, registered, false, `{"was":"refused","is":"registered","differences":[]}`},
		{"both refused alike", refused, refused, true,
			`{"was":"refused","is":"refused","error":{"error":"invalid_client_metadata","error_description":"no"},` +
				`"differences":[]}`},
		{"both refused in other words", refused, other, false,
			`{"was":"refused","is":"refused","error":{"error":"invalid_redirect_uri","error_description":"no"},` +
				`"differences":[],"other_error":true}`},
		{"both failed", host.Ending{Err: errors.New("x")}, unavailable, true,
			`{"was":"failed","is":"failed","error":{"error":"temporarily_unavailable","error_description":"the pool: ` +
				`temporarily unavailable"},"differences":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := host.Compare(c.was, c.is)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(got, json.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(b)); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
			if got.Same() != c.same {
				t.Errorf("Same() is %v", got.Same())
			}
		})
	}
}
