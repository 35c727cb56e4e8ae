package scripts_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/catalog"
	"registrar/store"
	"registrar/testdata"
)

const minimal = `{"redirect_uris":["https://app.example/cb"]}`

// A bench is a server without HTTP: an engine, a script host and a SQLite store.
type bench struct {
	t      testing.TB
	store  *store.Store
	host   *scripts.Host
	engine *engine.Engine
	log    *bytes.Buffer
}

// newBench returns a bench whose scripts have a minute for each step: only tests of the clock give them less.
func newBench(t testing.TB, options engine.Options, changes ...func(*scripts.Config)) *bench {
	t.Helper()
	b := &bench{t: t, log: &bytes.Buffer{}}
	var err error
	b.store, err = store.Open(t.Context(), store.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	config := scripts.Config{
		Modules:      b.store,
		Deployments:  b.store,
		ClientExists: b.store.ClientExists,
		StepTimeout:  time.Minute,
		CacheFolder:  testdata.Compiler.Cache,

		CompileCommand: testdata.Compiler.Command,
		Logger:         slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range changes {
		change(&config)
	}
	b.host, err = scripts.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.host.Close(context.Background()) })
	if err := b.host.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.engine, err = engine.New(engine.Config{Store: b.store, Options: options, Overrides: b.host.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// script uploads a fixture and returns it as a script of a deployment.
func (b *bench) script(name string) catalog.Script {
	b.t.Helper()
	m, _, err := b.host.Upload(b.t.Context(), name, testdata.Wasm(b.t, name))
	if err != nil {
		b.t.Fatalf("uploading %s: %v", name, err)
	}
	return catalog.Script{Name: name, Module: m.Digest}
}

func (b *bench) deploy(list ...catalog.Script) {
	b.t.Helper()
	if _, err := b.host.Deploy(b.t.Context(), catalog.Deployment{Scripts: list}, nil); err != nil {
		b.t.Fatal(err)
	}
}

// deployFixtures deploys fixtures, the first one outermost.
func (b *bench) deployFixtures(names ...string) {
	b.t.Helper()
	var list []catalog.Script
	for _, name := range names {
		list = append(list, b.script(name))
	}
	b.deploy(list...)
}

func (b *bench) register(body string) (*engine.Registration, error) {
	return b.registerAs(body, &engine.Caller{Auth: engine.AuthNone})
}

func (b *bench) registerAs(body string, caller *engine.Caller) (*engine.Registration, error) {
	b.t.Helper()
	request, err := engine.ParseRequest([]byte(body))
	if err != nil {
		b.t.Fatal(err)
	}
	request.ID = "request-1"
	return b.engine.Register(b.t.Context(), request, caller)
}

// clients returns how many clients are stored.
func (b *bench) clients() int {
	b.t.Helper()
	list, err := b.store.Clients(b.t.Context(), "", "", 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

func response(t testing.TB, r *engine.Registration) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(r.Response, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// Each fixture does what testdata/wasm/README.md says.
func TestFixturesRegister(t *testing.T) {
	hour := engine.Options{SecretLifetime: time.Hour}
	for _, tt := range []struct {
		scripts string // names, the outermost first
		options engine.Options
		body    string // "" means the minimal one
		check   func(t *testing.T, b *bench, got map[string]any)
	}{
		{scripts: "prefix-id", check: idLike("acme-", 37)},
		{scripts: "custom-secret", check: secretOf(48)},
		{scripts: "secret-expires", check: expiresIn(3600)},
		{scripts: "secret-never", options: hour, check: expiresIn(0)},
		{scripts: "custom-secret", options: hour, check: expiresIn(3600)},
		{scripts: "patch-metadata", check: member("client_name", "patched")},
		{scripts: "default-scopes", check: member("scope", "acme.read acme.write")},
		{scripts: "default-scopes", body: `{"redirect_uris":["https://app.example/cb"],"scope":"mine"}`, check: member("scope", "mine")},
		{scripts: "accept-all", check: member("application_type", "web")},
		{scripts: "wrap-id", check: idLike("wrapped-", 44)},
		{scripts: "wrap-id prefix-id", check: idLike("wrapped-acme-", 45)},
		{scripts: "prefix-id wrap-id", check: idLike("acme-", 37)},
		{scripts: "items-write items-read", check: idLike("item-", 21)},
		{scripts: "initialize", check: idLike("initialized-1-", 30)},
		{scripts: "host-name", check: idLike("host-name-", 26)},
		{scripts: "host-name prefix-id", check: idLike("host-name-", 26)},
		{scripts: "at-limits", check: member("client_name", "at-limits")},
		{scripts: "c-id-and-secret", check: idLike("c-", 34)},
		{scripts: "id-and-secret", check: idLike("as-", 35)},
		{scripts: "id-and-secret", check: secretOf(43)},
		{scripts: "rust-prefix-id", check: idLike("rust-", 37)},
		{scripts: "go-prefix-id", check: idLike("go-", 35)},
		{scripts: "fail-patch-client-id", check: idLike("", 36)},
		{scripts: "warn-wasi-stub", check: member("application_type", "web")},
		{scripts: "mcp-policy", body: `{"redirect_uris":["http://127.0.0.1:3000/cb"],"token_endpoint_auth_method":"none"}`, check: member("application_type", "native")},
		{scripts: "refuse-redirect-host", body: `{"redirect_uris":["https://evil.example.org/cb"]}`, check: member("application_type", "web")},
		{scripts: "c-secret-by-scope", body: `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`, check: member("token_endpoint_auth_method", "none")},
	} {
		t.Run(tt.scripts, func(t *testing.T) {
			b := newBench(t, tt.options)
			b.deployFixtures(strings.Fields(tt.scripts)...)
			if tt.body == "" {
				tt.body = minimal
			}
			r, err := b.register(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			tt.check(t, b, response(t, r))
			if n := b.clients(); n != 1 {
				t.Errorf("%d clients are stored, want 1", n)
			}
		})
	}
}

func member(name string, want any) func(*testing.T, *bench, map[string]any) {
	return func(t *testing.T, _ *bench, got map[string]any) {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
}

func idLike(prefix string, length int) func(*testing.T, *bench, map[string]any) {
	return func(t *testing.T, _ *bench, got map[string]any) {
		id := got["client_id"].(string)
		if !strings.HasPrefix(id, prefix) || len(id) != length {
			t.Errorf("client_id %q: want %d characters, the first ones %q", id, length, prefix)
		}
	}
}

func secretOf(length int) func(*testing.T, *bench, map[string]any) {
	return func(t *testing.T, b *bench, got map[string]any) {
		secret := got["client_secret"].(string)
		if len(secret) != length {
			t.Errorf("client_secret has %d characters, want %d", len(secret), length)
		}
		c, err := b.store.Client(t.Context(), got["client_id"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if c.Secret.Salt == nil || !c.Secret.Verify(engine.Plaintext(secret), time.Now()) {
			t.Error("the stored secret has no salt, or is not the one that was answered")
		}
	}
}

func expiresIn(seconds float64) func(*testing.T, *bench, map[string]any) {
	return func(t *testing.T, _ *bench, got map[string]any) {
		want := 0.0
		if seconds != 0 {
			want = got["client_id_issued_at"].(float64) + seconds
		}
		if got["client_secret_expires_at"] != want {
			t.Errorf("client_secret_expires_at: got %v, want %v", got["client_secret_expires_at"], want)
		}
	}
}

func TestFixturesRefuse(t *testing.T) {
	for _, tt := range []struct {
		script, body string
		code         engine.Code
		message      string
	}{
		{"refuse-redirect-host", `{"redirect_uris":["https://evil.example/cb"]}`, engine.InvalidRedirectURI, "evil.example"},
		{"mcp-policy", `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`, engine.InvalidRedirectURI, ""},
		{"c-secret-by-scope", minimal, engine.InsufficientScope, ""},
		{"refuse-custom-code", minimal, engine.InvalidClientMetadata, "'"},
		{"refuse-scope", minimal, engine.InsufficientScope, ""},
		{"refuse-silent", minimal, engine.InvalidClientMetadata, "no reason was given"},
		{"accept-all", `{"redirect_uris":["https://app.example/#f"]}`, engine.InvalidRedirectURI, "has a fragment"},
		{"every-host-function", `{"redirect_uris":["https://app.example/cb"],"refuse_me":true}`, engine.InvalidRedirectURI, ""},
	} {
		t.Run(tt.script, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			b.deployFixtures(tt.script)
			_, err := b.register(tt.body)
			refusal, ok := errors.AsType[*engine.Error](err)
			if !ok || refusal.Code != tt.code || !strings.Contains(refusal.Description, tt.message) {
				t.Errorf("got %v, want %s with %q", err, tt.code, tt.message)
			}
			if n := b.clients(); n != 0 {
				t.Errorf("%d clients are stored", n)
			}
		})
	}
}

func TestFixturesFail(t *testing.T) {
	for _, tt := range []struct{ script, message string }{
		{"count-base-twice", "call_base: it was called twice"},
		{"fail-trap", "unreachable"},
		{"fail-stack", "more than 1000 calls nest"},
		{"fail-spin", "it ran out of fuel"},
		{"fail-memory-grow", "unreachable"},
		{"fail-out-of-range", "outside the memory"},
		{"fail-oob-wrap", "outside the memory"},
		{"fail-code", "it returned 7"},
		{"fail-negative", "it returned -1"},
		{"fail-bad-id", "must be visible ASCII"},
		{"fail-oversized-id", "256 bytes: at most 255"},
		{"fail-short-secret", "5 characters: it must have 32 to 255"},
		{"fail-oversized-patch", "131073 bytes: at most 131072"},
		{"fail-entropy", "4097 random bytes are asked for"},
		{"fail-item", "at most"},
		{"fail-items", "64 items already"},
		{"fail-wrong-step", "set_client_id: it was called in set_client_name"},
		{"fail-initialize", "during initialization"},
		{"items-read", "it returned"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			b.deployFixtures(tt.script)
			_, err := b.register(minimal)
			failure, ok := errors.AsType[*scripts.Failure](err)
			if !ok || failure.Script != tt.script || !strings.Contains(failure.Reason, tt.message) {
				t.Errorf("got %v, want a failure with %q", err, tt.message)
			}
			if n := b.clients(); n != 0 {
				t.Errorf("%d clients are stored", n)
			}
		})
	}
}

// What a script did and the engine does not accept is the script's failure, named after it.
func TestFixturesBreakInvariants(t *testing.T) {
	for _, tt := range []struct{ script, message string }{
		{"fail-no-id", "the client ID has 0 characters"},
		{"fail-private-key", "private"},
		{"fail-unsafe-redirect", "javascript"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			b.deployFixtures(tt.script)
			_, err := b.register(minimal)
			breach, ok := errors.AsType[*engine.Breach](err)
			if !ok || !strings.Contains(breach.Error(), tt.message) || !strings.Contains(breach.Error(), "by script "+tt.script+" (sha256:") {
				t.Errorf("got %v, want a breach with %q", err, tt.message)
			}
			if n := b.clients(); n != 0 {
				t.Errorf("%d clients are stored", n)
			}
		})
	}
}

// plenty is fuel for days.
const plenty = 1 << 50

func TestWallClock(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *scripts.Config) { c.StepTimeout, c.StepFuel = 100*time.Millisecond, plenty })
	spin := b.script("fail-spin")
	spin.OnFailure = catalog.OnFailureBase // an overrun is saturation, so the base must not stand in
	b.deploy(spin)
	_, err := b.register(minimal)
	if _, failure := errors.AsType[*scripts.Failure](err); failure || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n := b.clients(); n != 0 {
		t.Errorf("%d clients are stored", n)
	}
}

// The outer script waits longer than its own clock allows, but not on its own account.
func TestWallClockExcludesTheBase(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *scripts.Config) { c.StepTimeout = 2 * time.Second })
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
	b := newBench(t, engine.Options{}, func(c *scripts.Config) { c.StepFuel = plenty })
	b.deployFixtures("fail-spin")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, _ := engine.ParseRequest([]byte(minimal))
	_, err := b.engine.Register(ctx, request, &engine.Caller{Auth: engine.AuthNone})
	if _, failure := errors.AsType[*scripts.Failure](err); failure || !errors.Is(err, context.DeadlineExceeded) {
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

func TestInstancesAreFresh(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.deployFixtures("counter")
	for range 20 {
		r, err := b.register(minimal)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Client.ID, "fresh-1-1-") {
			t.Fatalf("client_id %s: the instance was used before", r.Client.ID)
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

// A refusal that an outer script overrules leaves nothing of the inner step behind; what it does not set must hold all the
// same.
func TestOverrule(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.deployFixtures("overrule")
	if _, err := b.register(`{"grant_types":["client_credentials"],"redirect_uris":["https://app.example/cb"]}`); err != nil {
		t.Errorf("got %v, want the refusal overruled", err)
	}
	_, err := b.register(`{"redirect_uris":["https://app.example/#f"]}`)
	if _, breach := errors.AsType[*engine.Breach](err); !breach {
		t.Errorf("got %v, want a breach: the code grant is left without redirect URIs", err)
	}
}

func TestOnFailureBase(t *testing.T) {
	b := newBench(t, engine.Options{})
	trap := b.script("fail-trap")
	trap.OnFailure = catalog.OnFailureBase
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
		{Step: "add_client_id", Script: "prefix-id", Module: catalog.Digest(testdata.Wasm(t, "prefix-id"))},
		{Step: "add_client_id", Script: "wrap-id", Module: catalog.Digest(testdata.Wasm(t, "wrap-id"))},
	}
	if c.Provenance.Deployment != 2 || len(c.Provenance.Acts) != 2 || c.Provenance.Acts[0] != want[0] || c.Provenance.Acts[1] != want[1] {
		t.Errorf("got %+v, want deployment 2 and %+v", c.Provenance, want)
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

// forgetful is a store for tests that are about something else.
type forgetful struct{}

func (forgetful) AddClient(context.Context, *engine.Client) error { return nil }
