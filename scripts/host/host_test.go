package host_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// plenty is fuel for days.
const plenty = 1 << 50

func TestWallClock(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepTimeout, c.StepFuel = 100*time.Millisecond, plenty })
	spin := b.script("fail-spin")
	spin.OnFailure = scripts.OnFailureBase // an overrun is saturation, so the base must not stand in
	b.deploy(spin)
	_, err := b.register(minimal)
	if _, failure := errors.AsType[*host.ScriptError](err); failure || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n := b.clients(); n != 0 {
		t.Errorf("%d clients are stored", n)
	}
}

// The outer script waits longer than its own clock allows, but not on its own account.
func TestWallClockExcludesTheBase(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepTimeout = 2 * time.Second })
	b.deployFixtures("wrap-id")
	slow := func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
		builtin := base.AddClientID
		base.AddClientID = func(ctx context.Context, r *engine.Registration) error {
			time.Sleep(3 * time.Second)
			return builtin(ctx, r)
		}
		return b.host.Overrides(r, base)
	}
	e, err := engine.New(engine.Config{Store: b.store, Overrides: slow})
	if err != nil {
		t.Fatal(err)
	}
	request, _ := engine.ParseRequest([]byte(minimal))
	if _, err := e.Register(t.Context(), request, &engine.Caller{Auth: engine.AuthNone}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestCancelledRequestEndsTheScript(t *testing.T) {
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

// Nothing that a script writes to its memory, its globals or its table is there in the next registration, whether that
// gets another instance or the same one, made new.
func TestInstancesAreFresh(t *testing.T) {
	for name, prefix := range map[string]string{"counter": "fresh-1-1-", "counter-table": "fresh-1-", "initialize": "initialized-1-"} {
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

// Instances of a Go module begin where the runtime was initialized once, but no two have the same random numbers.
func TestRandomNumbersAreNeverTheSame(t *testing.T) {
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

// A refusal that an outer script overrules leaves nothing of the inner step behind; what it does not set must hold all
// the same.
func TestOverrule(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.deployFixtures("overrule")
	if _, err := b.register(`{"grant_types":["client_credentials"],"redirect_uris":["https://app.example/cb"]}`); err != nil {
		t.Errorf("got %v, want the refusal overruled", err)
	}
	_, err := b.register(`{"redirect_uris":["https://app.example/#f"]}`)
	if _, breach := errors.AsType[*engine.InvariantError](err); !breach {
		t.Errorf("got %v, want a breach: the code grant is left without redirect URIs", err)
	}
}

func TestOnFailureBase(t *testing.T) {
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
	if !strings.Contains(b.log.String(), "a script failed, so what it replaced runs") {
		t.Error("the failure is not logged")
	}
}

func TestProvenance(t *testing.T) {
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
		{Step: "add_client_id", Script: "prefix-id", Module: scripts.Digest(wasmtest.Wasm(t, "prefix-id")), Changed: []string{"client_id"}},
		{Step: "add_client_id", Script: "wrap-id", Module: scripts.Digest(wasmtest.Wasm(t, "wrap-id")), Changed: []string{"client_id"}},
	}
	if diff := cmp.Diff(want, c.Provenance.Acts); diff != "" || c.Provenance.Deployment != 2 {
		t.Errorf("deployment %d, want 2; acts, want (-) and got (+):\n%s", c.Provenance.Deployment, diff)
	}
}

// Each act names the members that the script itself changed.
func TestProvenanceNamesChanges(t *testing.T) {
	for _, tt := range []struct {
		scripts, body string
		want          []string // step, script and members
	}{
		{"patch-metadata", `{"redirect_uris":["https://app.example/cb"],"client_name":"mine","default_max_age":60,"contacts":[]}`, []string{"set_client_name patch-metadata [client_name contacts]"}},
		{"prefix-id", minimal, []string{"add_client_id prefix-id [client_id]"}},
		{"c-id-and-secret", minimal, []string{"add_client_id c-id-and-secret [client_id]", "generate_secret c-id-and-secret [client_secret]"}},
		{"accept-all", minimal, nil},
		{"default-scopes", minimal, []string{"set_default_scopes default-scopes [scope]"}},
		{"items-write", minimal, nil},
	} {
		t.Run(tt.scripts, func(t *testing.T) {
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
	_, err = b.registerAs(`{"redirect_uris":["https://app.example/cb","https://other.example/cb"],"scope":"read"}`, caller)
	if refusal, ok := errors.AsType[*engine.Error](err); !ok || refusal.Code != engine.InvalidRedirectURI || !strings.Contains(refusal.Description, "[1]") {
		t.Errorf("got %v, want invalid_redirect_uri that names the index", err)
	}
}

// A watchful store looks at the shelves while it stores.
type watchful struct {
	forgetful
	watch func()
}

func (w watchful) AddClient(context.Context, *engine.Client) error { w.watch(); return nil }

// While a client is stored, which takes long, its registration holds no instance.
func TestInstancesAreGivenBackBeforeTheClientIsStored(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = 1 })
	b.deployFixtures("c-id-and-secret")
	stored := 0
	e, err := engine.New(engine.Config{Overrides: b.host.Overrides, Store: watchful{watch: func() {
		stored++
		for b.host.Waiting()["c-id-and-secret"] != 1 {
			if t.Context().Err() != nil {
				t.Fatal("the instance does not come back")
			}
			time.Sleep(time.Millisecond)
		}
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
