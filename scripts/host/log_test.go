package host_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("log-lines")
	if _, err := b.register(minimal); err != nil {
		t.Fatal(err)
	}
	log := b.log.String()
	if n := strings.Count(log, `msg="script log"`); n != 32 {
		t.Errorf("%d lines are logged, want 32", n)
	}
	if !strings.Contains(log, `msg="script log lines dropped" request_id=request-1 lines=8`) {
		t.Errorf("the dropped lines are not counted:\n%s", log)
	}
}

func TestLogShowsNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("log-secret")
	r, err := b.register(`{"redirect_uris":["https://app.example/cb"],"client_secret":"sent-by-\"the\"-client"}`)
	if err != nil {
		t.Fatal(err)
	}
	log := b.log.String()
	if !strings.Contains(log, "[redacted]") || !strings.Contains(log, "app.example/cb") {
		t.Errorf("the script's lines are not logged:\n%s", log)
	}
	for _, secret := range []string{r.Secret.Reveal(), "sent-by-"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}

// The fixture calls each host function once.
func TestEveryHostFunction(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("every-host-function")
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Client.ID, "every-") {
		t.Errorf("client_id %s", r.Client.ID)
	}
	log := b.log.String()
	for _, want := range []string{
		`read_context={\"operation\":\"register\",\"step\":`,
		`\"mode\":\"enforce\"}`,
		`read_request={\"redirect_uris\":[\"https://app.example/cb\"]}`,
		`read_caller={\"auth\":\"none\"}`,
		`read_config={}`,
		`read_statement=-1`,
		`patch_request=0`,
		`patch_client=0`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	_, err = b.register(`{"redirect_uris":["https://app.example/cb"],"fail_me":true}`)
	if failure, ok := errors.AsType[*host.ScriptError](err); !ok || failure.Reason != "failed by every-host-function" {
		t.Errorf("got %v, want the reason of the failure", err)
	}
}

func TestWASI(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("wasi-probe")
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^wasi-[0-9a-f]{16}$`).MatchString(r.Client.ID) {
		t.Errorf("client_id %s", r.Client.ID)
	}
	log := b.log.String()
	for _, want := range []string{
		"monotonic_advances=1", "args=0", "args_size=0", "environ=0", "environ_size=0", "fd_write_3=8",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	wrap, prefix := b.script("wrap-id"), b.script("prefix-id")
	b.deployFixtures("refuse-scope")
	run := func(body string, list []scripts.Script) scripts.DryRun {
		t.Helper()
		request, err := engine.ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.host.DryRun(t.Context(), b.engine, request, &engine.Caller{Auth: engine.AuthNone}, list)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	t.Run("scripts that are not deployed", func(t *testing.T) {
		got := run(minimal, []scripts.Script{wrap, prefix})
		if got.Outcome != scripts.OutcomeRegistered ||
			!strings.Contains(string(got.Response), `"client_id":"wrapped-acme-`) {
			t.Fatalf("got %s with %s", got.Outcome, got.Response)
		}
		var layers []string
		for _, s := range got.Steps {
			if s.Script == "" && s.Fuel != nil {
				t.Errorf("the built-in %s used fuel", s.Step)
			}
			if s.Step == engine.StepAddClientID {
				layers = append(layers, s.Script)
				if s.Outcome != scripts.OutcomeDone || s.Fuel == nil || *s.Fuel <= 0 ||
					!strings.Contains(string(s.Changes), "client_id") {
					t.Errorf("got %+v", s)
				}
			}
		}
		// prefix-id does not call its base, so the built-in step does not run.
		if strings.Join(layers, " ") != "wrap-id prefix-id" {
			t.Errorf("the layers of add_client_id are %q", layers)
		}
	})
	t.Run("those in force", func(t *testing.T) {
		got := run(minimal, nil)
		if got.Outcome != scripts.OutcomeRefused || got.Error.Code != "insufficient_scope" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a failure names the script", func(t *testing.T) {
		got := run(minimal, []scripts.Script{b.script("fail-trap")})
		if got.Outcome != scripts.OutcomeFailed || !strings.Contains(got.Error.Description, "script fail-trap") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("lines of the log, without secrets", func(t *testing.T) {
		got := run(minimal, []scripts.Script{b.script("log-secret")})
		var lines []string
		for _, s := range got.Steps {
			lines = append(lines, s.Log...)
		}
		log := strings.Join(lines, "\n")
		if !strings.Contains(log, "[redacted]") || strings.Contains(log, "log-secret-0123456789") {
			t.Errorf("the log is %q", log)
		}
	})
	if n := b.clients(); n != 0 {
		t.Errorf("%d clients are stored", n)
	}
}
