package host_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// program uploads a fixture that is a program and returns it as a script that replaces the given steps.
func (b *bench) program(name, config string, steps ...string) scripts.Script {
	b.t.Helper()
	s := b.script(name)
	s.Steps, s.Config = steps, []byte(config)
	return s
}

func TestProgramsRegister(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{SecretLifetime: time.Hour})
	b.deploy(b.program("c-command", "{}", "generate_secret", "set_client_name", "add_client_id"))
	ids := map[string]bool{}
	for range 3 {
		const body = `{"redirect_uris":["https://app.example/cb"],"client_name":"sent","contacts":["a@app.example"]}`
		r, err := b.register(body)
		if err != nil {
			t.Fatal(err)
		}
		got := response(t, r)
		// The step that would copy contacts is replaced, and the program's patch has none.
		if _, there := got["contacts"]; there || got["client_name"] != "program" {
			t.Errorf("got %v", got)
		}
		// The program counts its runs in a static variable. No run sees the memory of another one.
		idLike("c-command-1-", 28)(t, b, got)
		secretOf(64)(t, b, got)
		expiresIn(3600)(t, b, got)
		if r.Items["runs"] != "1" {
			t.Errorf("items %v", r.Items)
		}
		ids[got["client_id"].(string)] = true
	}
	if len(ids) != 3 {
		t.Errorf("the IDs are %v, want three", ids)
	}
	if log := b.log.String(); strings.Count(log, "level=WARN") != 3 || strings.Count(log, `line="run 1, `) != 3 {
		t.Errorf("the log is %s", log)
	}
}

func TestRustProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deploy(b.program("rust-command", "{}", "set_redirect_uris", "add_client_id"))
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	got := response(t, r)
	idLike("rust-", 21)(t, b, got)
	if diff := cmp.Diff([]any{"https://app.example/rust"}, got["redirect_uris"]); diff != "" {
		t.Error(diff)
	}
	_, err = b.register(`{"redirect_uris":["https://evil.example/cb"]}`)
	if refusal, ok := errors.AsType[*engine.Error](err); !ok || refusal.Code != engine.InvalidRedirectURI ||
		refusal.Description != "not to this host" {
		t.Errorf("got %v, want it refused", err)
	}
	if !strings.Contains(b.log.String(), "a host that is not welcome") {
		t.Errorf("the log is %s", b.log)
	}
}

func TestProgramsRefuse(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]*engine.Error{
		"refuse": engine.RefuseAs(engine.InvalidRedirectURI, `not "here"`),
		"silent": engine.Refuse(""),
	} {
		b := newBench(t, engine.Options{})
		b.deploy(b.program("c-command", `{"do":"`+what+`"}`, "set_client_name"))
		_, err := b.register(minimal)
		refusal, ok := errors.AsType[*engine.Error](err)
		if !ok || *refusal != *want || b.clients() != 0 {
			t.Errorf("%s: got %v, want %v; %d clients are stored", what, err, want, b.clients())
		}
	}
}

func TestProgramsFail(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	for what, want := range map[string]string{
		"text": "standard output: it must be a JSON object",
		"unknown": "standard output: it may hold patch, patch_request, client_id, client_secret, items and refuse, " +
			"and no other member",
		"type":  "standard output: items has a wrong type",
		"exit":  "it exited with 2: a program exits with 0 for done and 1 for refused",
		"abort": "unreachable",
		"flood": "fd_write: standard output has more than 131072 bytes",
		"spin":  "it ran out of fuel",
		"id":    "standard output: patch: the patch touches client_id, which only the server sets",
		"early": "standard output: client_id: it may be set only in add_client_id",
		"base":  "standard output: refuse: a program that refuses exits with 1",
	} {
		b.deploy(b.program("c-command", `{"do":"`+what+`"}`, "set_client_name"))
		_, err := b.register(minimal)
		failure, ok := errors.AsType[*host.ScriptError](err)
		if !ok || failure.Script != "c-command" || failure.Step != "set_client_name" ||
			!strings.Contains(failure.Reason, want) {
			t.Errorf("%s: got %v, want a failure with %q", what, err, want)
		}
	}
	if n := b.clients(); n != 0 {
		t.Errorf("%d clients are stored", n)
	}
}

// Fuel covers a program's input and output, and a program that runs out of it fails.
func TestProgramsHaveFuel(t *testing.T) {
	t.Parallel()
	run := func(fuel int64) scripts.DryRun {
		t.Helper()
		b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepFuel = fuel })
		request, err := engine.ParseRequest([]byte(minimal))
		if err != nil {
			t.Fatal(err)
		}
		d, err := b.host.DryRun(t.Context(), b.engine, request, &engine.Caller{Auth: engine.AuthNone},
			[]scripts.Script{b.program("c-command", "{}", "set_client_name")})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := run(10_000_000)
	i := slices.IndexFunc(d.Steps, func(s scripts.StepTrace) bool { return s.Script == "c-command" })
	if d.Outcome != scripts.OutcomeRegistered || i < 0 || string(d.Steps[i].Changes) != `{"client_name":"program"}` ||
		len(d.Steps[i].Log) != 1 {
		t.Fatalf("got %+v", d)
	}
	// A run costs 50,000, and 10 for each byte read and 50 for each byte written.
	spent := *d.Steps[i].Fuel
	if spent < 60_000 || spent > 200_000 || *run(10_000_000).Steps[i].Fuel != spent {
		t.Errorf("it spent %d", spent)
	}
	if d := run(spent / 2); d.Outcome != scripts.OutcomeFailed ||
		!strings.Contains(d.Error.Description, "it ran out of fuel") {
		t.Errorf("with half of it: %+v", d.Error)
	}
}

func TestProgramsAreDeployedWithSteps(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	program, module := b.script("c-command"), b.script("prefix-id")
	with := func(s scripts.Script, steps ...string) scripts.Script { s.Steps = steps; return s }
	open := with(program, "set_client_name")
	open.OnFailure = scripts.OnFailureBase
	for name, tt := range map[string]struct {
		script scripts.Script
		want   string
	}{
		"none": {program,
			"script c-command: the module is a program: list the steps that it replaces under steps"},
		"an unknown one": {with(program, "set_scope"),
			`scripts[0].steps: step "set_scope" not found: did you mean set_scopes?`},
		"one twice": {with(program, "set_scopes", "set_scopes"), "scripts[0].steps lists set_scopes twice"},
		"of a module": {with(module, "set_scopes"),
			"script prefix-id: steps is for programs: this module replaces what it exports, add_client_id"},
		"on_failure base": {open, "lets a caller who makes the script fail bypass its step set_client_name"},
	} {
		_, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{tt.script}}, nil)
		if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
			!strings.Contains(rejected.Error(), tt.want) {
			t.Errorf("%s: got %v, want a rejection with %q", name, err, tt.want)
		}
	}
	b.deploy(with(program, "set_client_name", "add_client_id"))
	d, err := b.store.CurrentDeployment(t.Context())
	if err != nil || !slices.Equal(d.Scripts[0].Steps, []string{"set_client_name", "add_client_id"}) {
		t.Errorf("stored is %+v, %v", d.Scripts, err)
	}
}
