package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"registrar/internal/wasmtest"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

const (
	plainRequest = "-- request.json --\n" + minimal + "\n"
	registers    = "-- expect.json --\n{\"outcome\":\"registered\"}\n"
)

// caseFolder writes files, by path, into a temporary folder.
func caseFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// testScript runs the cases of a folder with a module of testdata.
func testScript(t *testing.T, folder, script string, args ...string) result {
	t.Helper()
	command := []string{"script", "test", folder, "--wasm", wasmtest.Path(t, script), "--script-timeout=1m"}
	return runHere(t, append(command, args...)...)
}

func TestScriptTestPasses(t *testing.T) {
	for _, tt := range []struct {
		name, script, files string
		args                []string
	}{
		{"a response", "patch-metadata", plainRequest +
			`-- expect.json --
{"outcome":"registered","response":{"client_name":"patched","contacts":["ops@acme.example"],` +
			`"client_secret_expires_at":0,"client_id_issued_at":1767225600},"absent":["scope"]}`, nil},
		{"a flag", "prefix-id", plainRequest +
			`-- expect.json --
{"outcome":"registered","response":{"client_secret_expires_at":1767229200}}`, []string{"--secret-lifetime=1h"}},
		{"patterns", "prefix-id", plainRequest +
			`-- expect.json --
{"outcome":"registered","match":{"client_id":"acme-[0-9a-f]{32}","client_secret":"[A-Za-z0-9_-]{43}",` +
			`"client_secret_expires_at":"0|1767229200","redirect_uris":".*app.example.*"}}`, nil},
		{"a refusal", "refuse-scope", plainRequest +
			`-- expect.json --
{"outcome":"refused","error":{"code":"insufficient_scope"}}`, nil},
		{"a part of a description", "refuse-redirect-host", `-- request.json --
{"redirect_uris":["https://evil.example/cb"]}
-- expect.json --
{"outcome":"refused","error":{"code":"invalid_redirect_uri","description":"evil.example"}}`, nil},
		{"not JSON", "prefix-id", `-- request.json --
{
-- expect.json --
{"outcome":"refused","error":{"code":"invalid_client_metadata","description":"not valid JSON"}}`, nil},
		{"a failure", "fail-trap", plainRequest +
			`-- expect.json --
{"outcome":"failed","error":{"code":"server_error","description":"unreachable"}}`, nil},
		{"taken IDs", "taken-then-free", plainRequest + `-- clients.json --
["fixed-0","fixed-1"]
-- expect.json --
{"outcome":"registered","response":{"client_id":"fixed-2"}}`, nil},
		{"a caller and a configuration", "go-policy", `-- request.json --
{"redirect_uris":["https://app.example/cb"],"scope":"a b"}
-- caller.json --
{"auth":"jwt","subject":"ci","scopes":["a"]}
-- config.json --
{"hosts":["app.example"]}
-- expect.json --
{"outcome":"registered","response":{"scope":"a"}}`, nil},
		{"log lines", "log-lines", plainRequest +
			`-- expect.json --
{"outcome":"registered","log":["line-","ine-1"]}`, nil},
		{"a statement", "every-host-function", `-- request.json --
{"redirect_uris":["https://app.example/cb"],"software_statement":"a.b.c"}
-- statement.json --
{"iss":"https://issuer.example"}
-- expect.json --
{"outcome":"registered","log":["read_statement={\"iss\":\"https://issuer.example\"}"]}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := caseFolder(t, map[string]string{"cases/one.txtar": tt.files})
			got := must(t, testScript(t, folder, tt.script, tt.args...)).out
			if want := "ok cases/one\n1 passed, 0 failed\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestScriptTestShowsTheDifference(t *testing.T) {
	folder := caseFolder(t, map[string]string{
		"a.txtar": plainRequest + registers,
		"b.txtar": "The ID is ours.\n" + plainRequest + "-- expect.json --\n" +
			`{"outcome":"registered","response":{"client_name":"other","logo_uri":"x"},"absent":["client_id"],` +
			`"log":["nowhere"]}`,
		"cases/c.txtar": plainRequest + "-- expect.json --\n" +
			`{"outcome":"refused","error":{"code":"invalid_client_metadata","description":"no"}}`,
	})
	r := testScript(t, folder, "patch-metadata")
	got := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(r.out, "ID")
	want := `ok a
FAIL b
    The ID is ours.
    (-expected +got)
    + /response/client_id: "ID"
    - /response/client_name: "other"
    + /response/client_name: "patched"
    - /response/logo_uri: "x"
    - /log: "nowhere"
FAIL cases/c
    (-expected +got)
    - /outcome: "refused"
    + /outcome: "registered"
    - /error: {"code":"invalid_client_metadata","description":"no"}
1 passed, 2 failed
`
	if diff := cmp.Diff(want, got); r.code != exitFailed || diff != "" {
		t.Errorf("exit code %d\n%s", r.code, diff)
	}
	var report testReport
	if err := json.Unmarshal([]byte(testScript(t, folder, "patch-metadata", "--output=json").out), &report,
		json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if len(report.Cases) != 3 || report.Passed != 1 || report.Failed != 2 || report.Cases[0].Diff != "" ||
		!strings.Contains(report.Cases[1].Diff, `"patched"`) {
		t.Errorf("got %+v", report)
	}
}

// A case shows which patches of the script had no effect, also if it passes.
func TestScriptTestWarnsOfOverwrittenPatches(t *testing.T) {
	folder := caseFolder(t, map[string]string{"a.txtar": "-- request.json --\n" +
		`{"redirect_uris":["https://app.example/cb"],"client_name":"sent"}` + "\n" + registers})
	const warning = "set_client_name overwrote client_name, which patch-early patched in set_grant_types"
	got := must(t, testScript(t, folder, "patch-early")).out
	if !strings.HasPrefix(got, "ok a\n    warning: "+warning) {
		t.Errorf("got %s", got)
	}
	var report testReport
	out := must(t, testScript(t, folder, "patch-early", "--output=json")).out
	if err := json.Unmarshal([]byte(out), &report, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if w := report.Cases[0].Warnings; len(w) != 1 || !strings.HasPrefix(w[0], warning) {
		t.Errorf("got the warnings %q", w)
	}
}

// A case that expects no error shows the one that occurred.
func TestScriptTestShowsAnUnexpectedError(t *testing.T) {
	r := testScript(t, caseFolder(t, map[string]string{"a.txtar": plainRequest + registers}), "fail-trap")
	if r.code != exitFailed || !strings.Contains(r.out, "unreachable") {
		t.Errorf("exit code %d: %s", r.code, r.out)
	}
}

// A case gives the same IDs and secrets in each run, whatever other cases there are and however instances are made:
// initialized one by one, from a saved state, or by a script that draws no random data.
func TestScriptTestIsTheSameEachTime(t *testing.T) {
	asks := plainRequest + "-- expect.json --\n" + `{"outcome":"registered","absent":["client_id","client_secret"]}`
	both := caseFolder(t, map[string]string{"a.txtar": asks, "z.txtar": asks})
	alone := caseFolder(t, map[string]string{"z.txtar": asks})
	for _, script := range []string{"prefix-id", "go-seeded", "go-random", "id-and-secret", "patch-metadata"} {
		t.Run(script, func(t *testing.T) {
			var diffs []string
			for _, folder := range []string{both, both, alone} {
				var report testReport
				if err := json.Unmarshal([]byte(testScript(t, folder, script, "--output=json").out),
					&report); err != nil {
					t.Fatal(err)
				}
				for _, one := range report.Cases {
					diffs = append(diffs, one.Diff)
				}
			}
			for _, diff := range diffs {
				if len(diffs) != 5 || diff != diffs[0] || !strings.Contains(diff, "/client_id: ") ||
					!strings.Contains(diff, "/client_secret: ") {
					t.Fatalf("got %q", diffs)
				}
			}
		})
	}
}

func TestScriptTestRefusesBadCases(t *testing.T) {
	for _, tt := range []struct{ name, files, want string }{
		{"no request", registers, "request.json is missing"},
		{"no expectation", plainRequest, "expect.json is missing"},
		{"another file", plainRequest + registers + "-- items.json --\n{}", "items.json: unknown file"},
		{"a file twice", plainRequest + plainRequest + registers, "request.json is given twice"},
		{"an unknown member", plainRequest + "-- expect.json --\n" + `{"outcome":"registered","respones":{}}`,
			"respones"},
		{"an unknown member of the error", plainRequest + "-- expect.json --\n" +
			`{"outcome":"refused","error":{"text":""}}`, "text"},
		{"no outcome", plainRequest + "-- expect.json --\n{}",
			`expect.json: outcome "": must be registered, refused, failed or rejected`},
		{"an error of a client that is registered", plainRequest + "-- expect.json --\n" +
			`{"outcome":"registered","error":{}}`, "expect.json: error: a registered client"},
		{"a response to a refused request", plainRequest + "-- expect.json --\n" +
			`{"outcome":"refused","response":{}}`, "expect.json: response: only"},
		{"a pattern of a refused request", plainRequest + "-- expect.json --\n" +
			`{"outcome":"refused","match":{"scope":"a"}}`, "expect.json: match: only"},
		{"a pattern that is none", plainRequest + "-- expect.json --\n" +
			`{"outcome":"registered","match":{"client_id":"a("}}`, "/match/client_id"},
		{"a pattern that is null", plainRequest + "-- expect.json --\n" +
			`{"outcome":"registered","match":{"client_id":null}}`, "match: client_id must be"},
		{"a pattern beside a value", plainRequest + "-- expect.json --\n" +
			`{"outcome":"registered","match":{"scope":"a"},"response":{"scope":"a"}}`, "match: scope is also"},
		{"absent without a response", plainRequest + "-- expect.json --\n" + `{"outcome":"failed","absent":["scope"]}`,
			"expect.json: absent: only"},
		{"a configuration that is not an object", plainRequest + registers + "-- config.json --\n[]",
			"config.json: must be a JSON object"},
		{"claims that are not an object", plainRequest + registers + "-- statement.json --\nnull",
			"statement.json: must be a JSON object"},
		{"a caller's role", plainRequest + registers + "-- caller.json --\n" + `{"role":"admin"}`, "role"},
		{"an invalid ID", plainRequest + registers + "-- clients.json --\n[\"a\",\"b c\"]",
			"clients.json: [1]: the client ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := testScript(t, caseFolder(t, map[string]string{"good.txtar": plainRequest + registers,
				"cases/bad.txtar": tt.files}), "prefix-id")
			if r.code != exitFailed || !strings.Contains(r.err, filepath.Join("cases", "bad.txtar")+": ") ||
				!strings.Contains(r.err, tt.want) || r.out != "" {
				t.Errorf("exit code %d, %q, %q; want %q", r.code, r.out, r.err, tt.want)
			}
		})
	}
}

func TestScriptTestFindsModuleAndCases(t *testing.T) {
	wasm, err := os.ReadFile(wasmtest.Path(t, "prefix-id"))
	if err != nil {
		t.Fatal(err)
	}
	folder := caseFolder(t, map[string]string{"My Script.wasm": string(wasm), "a.txtar": plainRequest + registers,
		"notes.txt": "", "cases/b.txtar": plainRequest + registers})
	if got, want := must(t,
		runHere(t, "script", "test", folder)).out, "ok a\nok cases/b\n2 passed, 0 failed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, tt := range []struct {
		files map[string]string
		code  int
		want  string
	}{
		{map[string]string{"a.wasm": ""}, exitFailed, "no cases"},
		{map[string]string{"a.txtar": plainRequest + registers}, exitUsage, "no .wasm, .js or .ts file: use --wasm"},
		{map[string]string{"a.txtar": plainRequest + registers, "a.wasm": "", "b.wasm": ""}, exitUsage,
			"b.wasm: use --wasm"},
		{map[string]string{"a.txtar": plainRequest + registers, "a.wasm": "text"}, exitFailed,
			"the module is rejected"},
	} {
		if r := runHere(t, "script", "test", caseFolder(t, tt.files)); r.code != tt.code ||
			!strings.Contains(r.err, tt.want) {
			t.Errorf("%v: exit code %d, %q; want %d, %q", tt.files, r.code, r.err, tt.code, tt.want)
		}
	}
}
