package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"golang.org/x/tools/txtar"

	"registrar/engine"
	"registrar/internal/wasmtest"
)

// The bounds of lists in a request; those of scopes and of other lists are engine's.
const (
	mostScopes = 500
	mostValues = 100
)

// frugal checks that a script uses at most half of the default fuel of a step where the lists of a request, and the
// caller's scopes, are as long as they may be: with the requests, callers and configurations of the cases of a folder.
func frugal(t *testing.T, folder, module string) {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join(wasmtest.Root(), folder, "cases", "*.txtar"))
	if filepath.IsAbs(folder) {
		cases, err = filepath.Glob(filepath.Join(folder, "cases", "*.txtar"))
	}
	if err != nil || len(cases) == 0 {
		t.Fatalf("the cases of %s: %v, %v", folder, cases, err)
	}
	full := t.TempDir()
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range archive.Files {
			switch f.Name {
			case "request.json":
				archive.Files[i].Data = changed(t, f.Data, lengthen)
			case "caller.json":
				archive.Files[i].Data = changed(t, f.Data, lengthenCaller)
			}
		}
		if err := os.WriteFile(filepath.Join(full, filepath.Base(path)), txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const half = 25_000_000 / 2
	if out := testWithFuel(t, full, module, half); strings.Contains(out, "out of fuel") ||
		!strings.Contains(out, " passed, ") {
		t.Errorf("with %d fuel:\n%s", half, out)
	}
}

// testWithFuel returns what script test prints of the cases of a folder.
func testWithFuel(t *testing.T, folder, module string, fuel int) string {
	t.Helper()
	r := runBinary(t, wasmtest.Root(), "script", "test", folder, "--wasm", module, "--script-timeout=1m",
		fmt.Sprintf("--script-fuel=%d", fuel))
	return r.out + r.err
}

// changed returns an object that f has changed.
func changed(t *testing.T, object []byte, f func(map[string]any)) []byte {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(object, &members); err != nil {
		t.Fatal(err)
	}
	f(members)
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// lengthen makes the lists of a request as long as they may be. Redirect URIs and scopes that a policy would refuse are
// not added, so that it reads them all.
func lengthen(request map[string]any) {
	if uris, ok := request["redirect_uris"].([]any); ok && len(uris) > 0 {
		first := uris[0]
		for len(uris) < engine.DefaultMaxRedirectURIs {
			uris = append(uris, first)
		}
		request["redirect_uris"] = uris
	}
	if scope, ok := request["scope"].(string); ok {
		scopes := strings.Fields(scope)
		request["scope"] = strings.Join(append(numbered(mostScopes-len(scopes)), scopes...), " ")
	}
	request["contacts"] = slices.Repeat([]string{"ops@app.example"}, mostValues)
}

func lengthenCaller(caller map[string]any) {
	if scopes, ok := caller["scopes"].([]any); ok {
		for _, scope := range numbered(mostValues - len(scopes)) {
			scopes = append(scopes, scope)
		}
		caller["scopes"] = scopes
	}
}

// numbered returns n different scopes.
func numbered(n int) []string {
	var scopes []string
	for i := range n {
		scopes = append(scopes, fmt.Sprintf("scope-%04d.read", i))
	}
	return scopes
}
