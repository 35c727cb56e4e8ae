package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
)

const minimal = `{"redirect_uris":["https://app.example/cb"]}`

// The trace of a dry run, with placeholders for what differs from run to run.
func TestScriptRunTrace(t *testing.T) {
	got := must(t, runHere(t, "script", "run", wasmtest.Path(t, "wrap-id"), "--request",
		servertest.File(t, "request.json", minimal), "--trace")).out
	for _, change := range []struct{ pattern, replacement string }{
		{`wrapped-[0-9a-f-]{36}`, "wrapped-ID"},
		{`"[0-9a-f-]{36}"`, `"ID"`},
		{`( done +)\d+ +(—|\d+)`, "${1}N $2"},
		{`"client_id_issued_at": \d+`, `"client_id_issued_at": N`},
		{`"client_secret": "[A-Za-z0-9_-]{43}"`, `"client_secret": "S"`},
		{` +\n`, "\n"},
		{`(\S)  +`, "$1  "},
		{`\n {4}([+~-])`, "\n  $1"},
	} {
		got = regexp.MustCompile(change.pattern).ReplaceAllString(got, change.replacement)
	}
	want := `STEP  BY  OUTCOME  µs  FUEL
validate_software_statement  built-in  done  N —
set_grant_types  built-in  done  N —
  + grant_types: ["authorization_code"]
  + response_types: ["code"]
  + token_endpoint_auth_method: "client_secret_basic"
set_redirect_uris  built-in  done  N —
  + application_type: "web"
  ~ redirect_uris: [] → ["https://app.example/cb"]
set_scopes  built-in  done  N —
set_default_scopes  built-in  done  N —
set_secrets  built-in  done  N —
set_client_name  built-in  done  N —
set_logout_parameters  built-in  done  N —
set_max_age  built-in  done  N —
set_user_interface_properties  built-in  done  N —
set_public_client_properties  built-in  done  N —
set_access_token_properties  built-in  done  N —
set_id_token_properties  built-in  done  N —
set_server_side_session_properties  built-in  done  N —
add_client_id  wrap-id  done  N 11701
  + client_id: "wrapped-ID"
add_client_id  built-in  done  N —
  + client_id: "ID"
add_client_secret  built-in  done  N —
generate_secret  built-in  done  N —
build_response  built-in  done  N —

registered
{
  "client_id": "wrapped-ID",
  "client_id_issued_at": N,
  "client_secret": "S",
  "client_secret_expires_at": 0,
  "redirect_uris": [
    "https://app.example/cb"
  ],
  "token_endpoint_auth_method": "client_secret_basic",
  "grant_types": [
    "authorization_code"
  ],
  "response_types": [
    "code"
  ],
  "application_type": "web"
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestScriptRunShowsLogLines(t *testing.T) {
	got := must(t, runHere(t, "script", "run", wasmtest.Path(t, "log-lines"), "--request",
		servertest.File(t, "request.json", minimal), "--trace")).out
	if n := strings.Count(got, "log: line-"); n != 32 || !strings.Contains(got, "log lines dropped: 8\n") {
		t.Errorf("%d log lines:\n%s", n, got)
	}
}

// dryRun runs a script and returns its JSON output.
func dryRun(t *testing.T, code int, args ...string) scripts.DryRun {
	t.Helper()
	r := runHere(t, append([]string{"script", "run", "--output", "json"}, args...)...)
	if r.code != code {
		t.Fatalf("exit code %d, want %d; standard error:\n%s", r.code, code, r.err)
	}
	if r.err != "" {
		t.Errorf("standard error: %q", r.err)
	}
	var d scripts.DryRun
	if err := json.Unmarshal([]byte(r.out), &d, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestScriptRunAnswersAsTheServerWould(t *testing.T) {
	for _, tt := range []struct {
		name, script, request string
		args                  []string
		code                  int
		outcome               scripts.Outcome
		says                  string // the response, or the error
	}{
		{"registered", "prefix-id", minimal, nil, 0, "registered", `"client_id":"acme-`},
		{"a lifetime", "prefix-id", minimal, []string{"--secret-lifetime=1h"}, 0, "registered",
			`"client_secret_expires_at":1`},
		{"a scope that is not allowed", "prefix-id", `{"redirect_uris":["https://app.example/cb"],"scope":"a b"}`,
			[]string{"--allowed-scope=b"}, 0, "registered", `"scope":"b"`},
		{"refused", "refuse-scope", minimal, nil, 1, "refused", "insufficient_scope"},
		{"failed", "fail-trap", minimal, nil, 1, "failed", "script fail-trap"},
		{"out of time", "fail-spin", minimal, []string{"--script-timeout=50ms", "--script-fuel=1000000000000"}, 1,
			"failed", "ran longer than 50ms"},
		{"not JSON", "prefix-id", "{", nil, 1, "refused", "invalid_client_metadata"},
		{"not an object", "prefix-id", "null", nil, 1, "refused", "JSON object"},
		{"a configuration", "go-policy", minimal, []string{`--config-json={"hosts":["other.example"]}`}, 1, "refused",
			"invalid_redirect_uri"},
		{"another configuration", "go-policy", `{"redirect_uris":["https://app.example/cb"],"scope":"a b"}`,
			[]string{`--config-json={"hosts":["app.example"]}`, "--caller=" + servertest.File(t, "caller.json",
				`{"auth":"jwt","subject":"ci","scopes":["a"]}`)}, 0, "registered", `"scope":"a"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := dryRun(t, tt.code,
				append([]string{wasmtest.Path(t, tt.script), "--request", servertest.File(t, "request.json",
					tt.request)}, tt.args...)...)
			said := string(d.Response)
			if d.Error != nil {
				said = d.Error.Code + ": " + d.Error.Description
			}
			if d.Outcome != tt.outcome || !strings.Contains(said, tt.says) {
				t.Errorf("got %s, %s, want %s and %q", d.Outcome, said, tt.outcome, tt.says)
			}
		})
	}
}

func TestScriptRunRefusesAnInvalidCaller(t *testing.T) {
	r := runHere(t, "script", "run", wasmtest.Path(t, "prefix-id"), "--request", servertest.File(t, "request.json",
		minimal),
		"--caller", servertest.File(t, "caller.json", `{"auth":"none","role":"admin"}`))
	if r.code != exitFailed || !strings.Contains(r.err, "role") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func TestScriptInspectDescribesTheModule(t *testing.T) {
	got := must(t, runHere(t, "script", "inspect", wasmtest.Path(t, "warn-unknown-export"), "--output", "json")).out
	var m scripts.Module
	if err := json.Unmarshal([]byte(got), &m, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if m.Name != "warn-unknown-export" || len(m.Warnings) != 1 || len(m.Steps) == 0 ||
		!strings.HasPrefix(m.Digest, "sha256:") {
		t.Errorf("got %+v", m)
	}
	if got := runHere(t, "script", "inspect", wasmtest.Path(t, "wrap-id"),
		"--script-memory=64KiB"); got.code != exitFailed ||
		!strings.Contains(got.err, "\n  - the memory begins with 2 pages") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

// A program runs at the steps that --step names.
func TestScriptCommandsTakePrograms(t *testing.T) {
	request := servertest.File(t, "request.json", minimal)
	d := dryRun(t, 0, wasmtest.Path(t, "c-command"), "--request", request, "--step=set_client_name,add_client_id")
	if !strings.Contains(string(d.Response), `"client_id":"c-command-1-`) {
		t.Errorf("got %s", d.Response)
	}
	if r := runHere(t, "script", "run", wasmtest.Path(t, "c-command"), "--request", request); r.code != exitFailed ||
		!strings.Contains(r.err, "--step STEP") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	folder := caseFolder(t, map[string]string{"a.txtar": plainRequest + "-- expect.json --\n" +
		`{"outcome":"registered","response":{"client_name":"program"},"log":["run 1"]}`})
	must(t, testScript(t, folder, "c-command", "--step=set_client_name"))
	got := must(t, runHere(t, "script", "inspect", wasmtest.Path(t, "c-command"))).out
	if !strings.Contains(got, "--step") {
		t.Errorf("got %s", got)
	}
}
