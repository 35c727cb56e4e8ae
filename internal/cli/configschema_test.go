package cli

import (
	"strings"
	"testing"

	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts/wasmbin"
)

const (
	brandSchema = `{"required":["brands"],"additionalProperties":false,"properties":{"brands":{"type":"array"}}}`
	brandReason = "config: /brand: unknown member: did you mean brands?"
)

// moduleWithSchema returns a file with the module of testdata that carries brandSchema.
func moduleWithSchema(t *testing.T, module string) string {
	t.Helper()
	return servertest.File(t, module+".wasm", string(wasmtest.WithConfigSchema(t, module, brandSchema)))
}

func TestInspectShowsTheConfigSchema(t *testing.T) {
	got := must(t, runHere(t, "script", "inspect", moduleWithSchema(t, "prefix-id"))).out
	if !strings.Contains(got, "checked against the schema") || !strings.Contains(got, `"additionalProperties": false`) {
		t.Errorf("got:\n%s", got)
	}
	got = must(t, runHere(t, "script", "inspect", moduleWithSchema(t, "prefix-id"), "--output=json")).out
	if !strings.Contains(got, `"config_schema":`+brandSchema) {
		t.Errorf("got %s", got)
	}
	got = must(t, runHere(t, "script", "inspect", wasmtest.Path(t, "prefix-id"))).out
	if !strings.Contains(got, "no schema") {
		t.Errorf("without a schema, got:\n%s", got)
	}
}

func TestScriptRunChecksTheConfig(t *testing.T) {
	args := []string{"script", "run", moduleWithSchema(t, "prefix-id"), "--request",
		servertest.File(t, "request.json", minimal)}
	for _, config := range []string{"", `{"brand":["hush"]}`} {
		asked := args
		want := "config: /brands: required"
		if config != "" {
			asked, want = append(args, "--config-json", config), brandReason
		}
		got := runHere(t, asked...)
		if got.code != exitFailed || !strings.Contains(got.err, want) || strings.Contains(got.err, "hush") {
			t.Errorf("config %s: got %d and %s, want %q", config, got.code, got.err, want)
		}
	}
	must(t, runHere(t, append(args, "--config-json", `{"brands":[]}`)...))
}

func TestScriptTestChecksTheConfig(t *testing.T) {
	rejects := func(description string) string {
		return "-- expect.json --\n{\"outcome\":\"rejected\",\"error\":{\"description\":\"" + description + "\"}}\n"
	}
	config := func(json string) string { return "-- config.json --\n" + json + "\n" }
	module := moduleWithSchema(t, "prefix-id")
	folder := caseFolder(t, map[string]string{
		"configured.txtar":   plainRequest + config(`{"brands":["Claude"]}`) + registers,
		"misspelt.txtar":     plainRequest + config(`{"brand":["Claude"]}`) + rejects("/brand: unknown member"),
		"unconfigured.txtar": plainRequest + rejects("/brands: required"),
	})
	args := []string{"script", "test", folder, "--wasm", module, "--script-timeout=1m"}
	if got := must(t, runHere(t, args...)).out; !strings.Contains(got, "3 passed, 0 failed") {
		t.Errorf("got:\n%s", got)
	}
	folder = caseFolder(t, map[string]string{
		"configured.txtar": plainRequest + config(`{"brands":["Claude"]}`) + rejects("/brands"),
		"misspelt.txtar":   plainRequest + config(`{"brand":["hush"]}`) + registers,
	})
	args[2] = folder
	got := runHere(t, args...)
	if got.code != exitFailed || !strings.Contains(got.out, "0 passed, 2 failed") ||
		!strings.Contains(got.out, brandReason) || strings.Contains(got.out, "hush") {
		t.Errorf("got %d:\n%s", got.code, got.out)
	}
}

// A push, with or without a config, an edited deployment and a replay meet the schema at the server.
func TestPushChecksTheConfig(t *testing.T) {
	s := servertest.New(t, app.Config{}, servertest.Options{})
	remote := []string{"--server", s.Admin.URL, "--admin-token-file",
		servertest.File(t, "token", servertest.AdminToken)}
	script := func(args ...string) result {
		return runHere(t, append(append([]string{"script"}, args...), remote...)...)
	}
	refused := func(what, want string, got result) {
		t.Helper()
		if got.code != exitFailed || !strings.Contains(got.err, want) || strings.Contains(got.err, "hush") {
			t.Errorf("%s: got %d and %s, want %q", what, got.code, got.err, want)
		}
	}
	module := moduleWithSchema(t, "prefix-id")
	must(t, script("push", module)) // only uploaded
	refused("a push without a config", "/brands: required", script("push", module, "--deploy"))
	bad, good := `--config-json={"brand":["hush"]}`, `--config-json={"brands":["hush"]}`
	refused("a push with a config", brandReason, script("push", module, "--deploy", bad))
	refused("a replay", brandReason, script("replay", module, bad))
	must(t, script("replay", module, good))

	// The config of the script in force is kept, if it fits the new module.
	old := wasmtest.Path(t, "wrap-id")
	must(t, script("push", old, "--name=ids", "--deploy", bad))
	refused("a push that keeps a config", brandReason, script("push", module, "--name=ids", "--deploy"))
	must(t, script("push", old, "--name=ids", "--deploy", good))
	kept := must(t, script("push", module, "--name=ids", "--deploy")).out
	if !strings.Contains(kept, "its config is kept") {
		t.Errorf("got:\n%s", kept)
	}
	exported := must(t, script("export")).out
	edited := servertest.File(t, "edited.json", strings.Replace(exported, `"brands"`, `"brand"`, 1))
	refused("an edited deployment", brandReason, script("deploy", edited))
}

// Where the new module carries a schema, that decides which members of a kept config it knows, not its bytes.
func TestSchemaDecidesWhichMembersAreKnown(t *testing.T) {
	s := servertest.New(t, app.Config{}, servertest.Options{})
	push := func(wasm []byte, args ...string) result {
		file := servertest.File(t, "policy.wasm", string(wasm))
		return runHere(t, append([]string{"script", "push", file, "--deploy", "--server", s.Admin.URL,
			"--admin-token-file", servertest.File(t, "token", servertest.AdminToken)}, args...)...)
	}
	plain := wasmtest.Wasm(t, "wrap-id")
	m, err := wasmbin.Decode(plain)
	if err != nil {
		t.Fatal(err)
	}
	must(t, push(m.WithCustom(plain, "names", []byte("brands")), `--config-json={"brands":[]}`))
	if got := push(plain); got.code != exitFailed || !strings.Contains(got.err, "has brands, which") {
		t.Errorf("without a schema: got %d and %s", got.code, got.err)
	}
	got := push(wasmtest.WithConfigSchema(t, "wrap-id", `{"maxProperties":0}`))
	if got.code != exitFailed || !strings.Contains(got.err, "config: must have at most 0 members") {
		t.Errorf("with a schema that it does not fit: got %d and %s", got.code, got.err)
	}
	must(t, push(wasmtest.WithConfigSchema(t, "wrap-id", `{"minProperties":1}`)))
}
