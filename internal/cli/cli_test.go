package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts/sandbox"
)

func TestMain(m *testing.M) {
	// Commands in this process compile modules by starting their own program, which is this test.
	if len(os.Args) > 1 && os.Args[1] == sandbox.CompileCommand {
		os.Exit(sandbox.CompileChild(context.Background(), os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	_, remove, err := servertest.Isolate()
	if err != nil {
		panic(err)
	}
	defer remove()
	return m.Run()
}

// A result is the result of a command.
type result struct {
	code     int
	out, err string
}

// runHere runs a command in this process.
func runHere(t testing.TB, args ...string) result {
	t.Helper()
	scriptRun := slices.Contains(args, "script") && slices.Contains(args, "run")
	if scriptRun && !strings.Contains(strings.Join(args, " "), "--script-timeout") {
		args = append(args, "--script-timeout=1m") // unless the test is about the timeout
	}
	var out, err bytes.Buffer
	code := run(t.Context(), args, &console{out: &out, err: &err})
	return result{code, out.String(), err.String()}
}

// must fails the test if a command failed, and returns its result.
func must(t testing.TB, r result) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d, standard error:\n%s", r.code, r.err)
	}
	return r
}

// parse parses a command line without running it.
func parse(t testing.TB, args ...string) (*cli, error) {
	t.Helper()
	commands := &cli{}
	parser, err := newParser(commands, &console{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return commands, err
}

func TestExitCodes(t *testing.T) {
	request := servertest.File(t, "request.json", `{"redirect_uris":["https://app.example/cb"]}`)
	refused := servertest.File(t, "refused.json", `{"redirect_uris":["https://app.example/cb#fragment"]}`)
	unknown := servertest.File(t, "config.yaml", "listn: 127.0.0.1:0\n")
	database := "sqlite:" + filepath.Join(t.TempDir(), "registrar.db")
	const free = " --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0"
	for _, tt := range []struct {
		name string
		args string
		want int
		says string // part of standard error
	}{
		{"nothing", "", exitUsage, "expected one of"},
		{"no such command", "sreve", exitUsage, `did you mean "serve"?`},
		{"no such flag", "serve --listn :0", exitUsage, `did you mean "--listen"?`},
		{"an argument missing", "client get", exitUsage, "<id>"},
		{"a required flag missing", "script run " + wasmtest.Path(t, "prefix-id"), exitUsage, "--request"},
		{"an invalid value", "serve --secret-lifetime soon", exitUsage, "--secret-lifetime"},
		{"a value that is not listed", "serve --registration maybe", exitUsage, `"open","token"`},
		{"a value that does not fit others", "serve --issuer http://auth.example", exitUsage,
			"--issuer http://auth.example: must be https"},
		{"one flag of two", "serve --tls-cert x", exitUsage, "--tls-key"},
		{"an unknown member", "serve --config " + unknown, exitUsage,
			`line 1: unknown member "listn", did you mean "listen"?`},
		{"no configuration", "serve --config /nowhere.yaml", exitUsage, "/nowhere.yaml"},
		{"a configuration that is not an object", "script run x.wasm --request x.json --config-json []", exitUsage,
			"--config-json"},
		{"check refuses an unknown member", "check --config " + unknown, exitUsage, "listn"},
		{"check refuses an invalid value", "check --secret-lifetime soon", exitUsage, "--secret-lifetime"},
		{"check refuses a value", "check --issuer http://auth.example", exitUsage, "--issuer"},
		{"check with an unknown flag", "check --listn :0", exitUsage, "--listn"},
		{"check finds no database", "check --no-migrate" + free + " --database " + database, exitFailed,
			"registrar migrate"},
		{"check succeeds", "check" + free + " --database " + database, exitDone, ""},
		{"no server", "health --url http://127.0.0.1:1/healthz", exitFailed, "127.0.0.1:1"},
		{"an invalid URL", "health --url :", exitUsage, "--url"},
		{"a URL of another scheme", "health --url ftp://localhost", exitUsage, "--url"},
		{"an invalid address", "health --listen 127.0.0.1", exitUsage, "--listen 127.0.0.1"},
		{"an address that the server chooses", "health --listen :0", exitUsage, "--url"},
		{"a certificate that is not there", "health --tls-cert /nowhere", exitUsage, "--tls-cert"},
		{"one address for both", "serve --listen :8081", exitUsage, "--admin-listen 127.0.0.1:8081"},
		{"an admin address that the server chooses", "client list --admin-listen 127.0.0.1:0", exitUsage, "--server"},
		{"an invalid version", "migrate --to=-1", exitUsage, "--to"},
		{"a version to come", "migrate --to=999 --database " + database, exitFailed, "version 999 not found"},
		{"a rejected module", "script inspect " + wasmtest.Path(t, "bad-import"), exitFailed, "set_clientid"},
		{"an accepted module", "script inspect " + wasmtest.Path(t, "prefix-id"), exitDone, ""},
		{"registered", "script run " + wasmtest.Path(t, "prefix-id") + " --request " + request, exitDone, ""},
		{"refused by a script", "script run " + wasmtest.Path(t, "refuse-scope") + " --request " + request, exitFailed,
			""},
		{"refused by the server", "script run " + wasmtest.Path(t, "prefix-id") + " --request " + refused, exitFailed,
			""},
		{"failed", "script run " + wasmtest.Path(t, "fail-trap") + " --request " + request, exitFailed, ""},
		{"an invalid name", "script push " + wasmtest.Path(t, "prefix-id") + " --name Prefix", exitUsage, `"Prefix"`},
		{"an invalid deployment", "script rollback 0", exitUsage, "must be 1 or more"},
		{"an invalid server", "client list --server 127.0.0.1:8081", exitUsage, "--server"},
		{"too many", "client list --limit 1001", exitUsage, "--limit 1001"},
		{"version", "version", exitDone, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := runHere(t, strings.Fields(tt.args)...)
			if got.code != tt.want {
				t.Errorf("exit code %d, want %d; standard error:\n%s", got.code, tt.want, got.err)
			}
			if !strings.Contains(got.err, tt.says) {
				t.Errorf("standard error, want %q in it:\n%s", tt.says, got.err)
			}
			if got.err != "" && !strings.HasPrefix(got.err, "registrar: ") {
				t.Errorf("standard error, want it to begin with registrar: %s", got.err)
			}
		})
	}
}
