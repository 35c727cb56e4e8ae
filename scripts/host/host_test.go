package host_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// plenty is enough fuel to run for days.
const plenty = 1 << 50

func TestWallClock(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{},
		func(c *host.Config) { c.StepTimeout, c.StepFuel = 100*time.Millisecond, plenty })
	spin := b.script("fail-spin")
	spin.OnFailure = scripts.OnFailureBase // must not apply: an overrun means that the server is overloaded
	b.deploy(spin)
	_, err := b.register(minimal)
	if _, failure := errors.AsType[*host.ScriptError](err); failure || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n := b.clients(); n != 0 {
		t.Errorf("%d clients are stored", n)
	}
}

// The time of a slow base does not count for the script around it.
func TestWallClockExcludesTheBase(t *testing.T) {
	t.Parallel()
	w := &witness{}
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepTimeout, c.Observer = 2*time.Second, w })
	b.deployFixtures("wrap-id")
	slow := func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
		builtin := base.AddClientID
		base.AddClientID = func(ctx context.Context, r *engine.Registration) error {
			time.Sleep(3 * time.Second)
			return builtin(ctx, r)
		}
		return b.host.Overrides(r, base)
	}
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: slow})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // only the base takes time
		start := time.Now()
		_, err := e.Register(t.Context(), mustParse(), &engine.Caller{Auth: engine.AuthNone})
		if elapsed := time.Since(start); err != nil || elapsed != 3*time.Second {
			t.Errorf("got %v after %v, want no error after 3s", err, elapsed)
		}
	})
	if len(w.entered) != 1 || w.entered[0].Elapsed != 0 {
		t.Errorf("got %+v, want one step that took no time", w.entered)
	}
}

func TestCancelledRequestEndsTheScript(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepFuel = plenty })
	b.deployFixtures("fail-spin")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, _ := engine.ParseRequest([]byte(minimal))
	_, err := b.engine.Register(ctx, request, &engine.Caller{Auth: engine.AuthNone})
	if _, failure := errors.AsType[*host.ScriptError](err); failure || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of the request", err)
	}
}

func TestTakenClientIDs(t *testing.T) {
	t.Parallel()
	t.Run("the same ID again is refused", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.deployFixtures("taken-id")
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
		_, err := b.register(minimal)
		if refusal, ok := errors.AsType[*engine.Error](err); !ok || refusal.Code != engine.InvalidClientMetadata {
			t.Errorf("got %v", err)
		}
	})
	t.Run("client_exists finds a free one", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.deployFixtures("taken-then-free")
		for _, want := range []string{"fixed-0", "fixed-1", "fixed-2"} {
			r, err := b.register(minimal)
			if err != nil || r.Client.ID != want {
				t.Fatalf("got %v, want %s", err, want)
			}
		}
	})
	t.Run("each repetition has a fresh instance", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.deployFixtures("taken-different")
		refused, exhausted := 0, 0
		for range 60 {
			switch _, err := b.register(minimal); {
			case err == nil:
			case errors.As(err, new(*engine.Error)):
				refused++
			case strings.Contains(err.Error(), "every one of 4 client IDs was taken"):
				exhausted++
			default:
				t.Fatal(err)
			}
		}
		if n := b.clients(); n != 4 || refused+exhausted != 56 {
			t.Errorf("%d clients, %d refused, %d exhausted; want 4 clients and 56 others", n, refused, exhausted)
		}
	})
}

// No registration sees what an earlier one left in memory, globals or a table, whether it gets another instance or the
// same one, renewed.
func TestInstancesAreFresh(t *testing.T) {
	t.Parallel()
	for name, prefix := range map[string]string{
		"counter": "fresh-1-1-", "counter-table": "fresh-1-", "initialize": "initialized-1-",
	} {
		for _, pool := range []int{1, 16} {
			b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = pool })
			b.deployFixtures(name)
			for range 50 {
				r, err := b.register(minimal)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(r.Client.ID, prefix) {
					t.Fatalf("client_id %s: the instance was used before", r.Client.ID)
				}
			}
		}
	}
}

// Instances of a Go module share one initialization of its runtime, but no two draw the same random numbers.
func TestRandomNumbersAreNeverTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"go-random", "go-seeded"} {
		seen := map[string]bool{}
		for _, pool := range []int{1, 8} {
			b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = pool })
			b.deployFixtures(name)
			for range 40 {
				r, err := b.register(minimal)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range strings.Split(r.Client.ID, "-")[1:] {
					if len(part) != 16 || seen[part] {
						t.Fatalf("client_id %s: %s was there before", r.Client.ID, part)
					}
					seen[part] = true
				}
			}
		}
	}
}

func TestNestedStepsShareAnInstance(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("nested")
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Secret.Reveal(); !strings.HasPrefix(got, "nested-2-") {
		t.Error("the secret was not made by the instance that add_client_secret runs in")
	}
	if r.Items["calls"] != "2" {
		t.Errorf("calls: got %q, want 2", r.Items["calls"])
	}
	want := []string{"generate_secret", "add_client_secret"}
	for i, act := range r.Client.Provenance.Acts {
		if act.Step != want[i] || act.Script != "nested" {
			t.Errorf("act %d: %+v, want %s", i, act, want[i])
		}
	}
}

// A refusal that an outer script overrules leaves nothing of the inner step behind. The invariants still hold.
func TestOverrule(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("overrule")
	_, err := b.register(`{"grant_types":["client_credentials"],"redirect_uris":["https://app.example/cb"]}`)
	if err != nil {
		t.Errorf("got %v, want the refusal overruled", err)
	}
	_, err = b.register(`{"redirect_uris":["https://app.example/#f"]}`)
	if _, breach := errors.AsType[*engine.InvariantError](err); !breach {
		t.Errorf("got %v, want a breach: the code grant has no redirect URIs", err)
	}
}

func TestOnFailureBase(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	trap := b.script("fail-trap")
	trap.OnFailure = scripts.OnFailureBase
	b.deploy(trap)
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Client.ID) != 36 || len(r.Client.Provenance.Acts) != 0 {
		t.Errorf("client_id %q and acts %v: want the built-in ID and no act", r.Client.ID, r.Client.Provenance.Acts)
	}
	if !strings.Contains(b.log.String(), "script failed, running the step that it replaced") {
		t.Error("the failure is not logged")
	}
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("log-lines")
	b.deployFixtures("wrap-id", "prefix-id")
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.store.Client(t.Context(), r.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.Act{
		{Step: "add_client_id", Script: "prefix-id", Module: scripts.Digest(wasmtest.Wasm(t, "prefix-id")),
			Changed: []string{"client_id"}},
		{Step: "add_client_id", Script: "wrap-id", Module: scripts.Digest(wasmtest.Wasm(t, "wrap-id")),
			Changed: []string{"client_id"}},
	}
	if diff := cmp.Diff(want, c.Provenance.Acts); diff != "" || c.Provenance.Deployment != 2 {
		t.Errorf("deployment %d, want 2; acts, want (-) and got (+):\n%s", c.Provenance.Deployment, diff)
	}
}

// Each act names the members that the script itself changed.
func TestProvenanceNamesChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scripts, body string
		want          []string // step, script and members
	}{
		{"patch-metadata",
			`{"redirect_uris":["https://app.example/cb"],"client_name":"mine","default_max_age":60,"contacts":[]}`,
			[]string{"set_client_name patch-metadata [client_name contacts]"}},
		{"prefix-id", minimal, []string{"add_client_id prefix-id [client_id]"}},
		{"c-id-and-secret", minimal,
			[]string{"add_client_id c-id-and-secret [client_id]", "generate_secret c-id-and-secret [client_secret]"}},
		{"accept-all", minimal, nil},
		{"default-scopes", minimal, []string{"set_default_scopes default-scopes [scope]"}},
		{"items-write", minimal, nil},
	} {
		t.Run(tt.scripts, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Options{})
			b.deployFixtures(strings.Fields(tt.scripts)...)
			r, err := b.register(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			c, err := b.store.Client(t.Context(), r.Client.ID)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Provenance.Acts) == 0 {
				t.Error("no script acted")
			}
			var got []string
			for _, act := range c.Provenance.Acts {
				if act.Changed != nil {
					got = append(got, fmt.Sprint(act.Step, " ", act.Script, " ", act.Changed))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestGoPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	policy := b.script("go-policy")
	policy.Config = jsontext.Value(`{"hosts":["app.example"]}`)
	b.deploy(policy)
	caller := &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"read"}}
	r, err := b.registerAs(`{"redirect_uris":["https://app.example/cb"],"scope":"read write"}`, caller)
	if err != nil {
		t.Fatal(err)
	}
	if got := response(t, r)["scope"]; got != "read" {
		t.Errorf("scope: got %v, want read", got)
	}
	_, err = b.registerAs(`{"redirect_uris":["https://app.example/cb","https://other.example/cb"],"scope":"read"}`,
		caller)
	if refusal, ok := errors.AsType[*engine.Error](err); !ok || refusal.Code != engine.InvalidRedirectURI ||
		!strings.Contains(refusal.Description, "[1]") {
		t.Errorf("got %v, want invalid_redirect_uri that names the index", err)
	}
}

// A watchful store calls watch when a client is stored.
type watchful struct {
	forgetful
	watch func()
}

func (w watchful) AddClient(context.Context, *engine.Client) error { w.watch(); return nil }

// Storing a client takes long, so its registration must hold no instance meanwhile.
func TestInstancesAreGivenBackBeforeTheClientIsStored(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = 1 })
	b.deployFixtures("c-id-and-secret")
	stored := 0
	e, err := engine.New(engine.Config{Overrides: b.host.Overrides, Store: watchful{watch: func() {
		stored++
		await(t, "the instance to be released", func() bool { return b.host.Waiting()["c-id-and-secret"] == 1 })
	}}})
	if err != nil {
		t.Fatal(err)
	}
	b.engine = e
	for range 3 {
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
	}
	if stored != 3 {
		t.Errorf("%d clients were stored, want 3", stored)
	}
}
