package host_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/scripts/host"
)

// testdata/wasm/README.md describes the fixtures.
func TestFixturesRegister(t *testing.T) {
	t.Parallel()
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
		{scripts: "patch-request", check: member("token_endpoint_auth_method", "none")},
		{scripts: "patch-early", body: `{"redirect_uris":["https://app.example/cb"],"client_name":"sent"}`,
			check: member("client_name", "sent")},
		{scripts: "default-scopes", check: member("scope", "acme.read acme.write")},
		{scripts: "default-scopes", body: `{"redirect_uris":["https://app.example/cb"],"scope":"mine"}`,
			check: member("scope", "mine")},
		{scripts: "accept-all", check: member("application_type", "web")},
		{scripts: "patch-all", check: member("software_id", "patched")},
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
		{scripts: "mcp-policy",
			body:  `{"redirect_uris":["http://127.0.0.1:3000/cb"],"token_endpoint_auth_method":"none"}`,
			check: member("application_type", "native")},
		{scripts: "refuse-redirect-host", body: `{"redirect_uris":["https://evil.example.org/cb"]}`,
			check: member("application_type", "web")},
		{scripts: "c-secret-by-scope",
			body:  `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`,
			check: member("token_endpoint_auth_method", "none")},
	} {
		t.Run(tt.scripts, func(t *testing.T) {
			t.Parallel()
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
			t.Errorf("client_id %q: want %d characters that begin with %q", id, length, prefix)
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
			t.Error("the stored secret has no salt, or is not the one in the response")
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
	t.Parallel()
	for _, tt := range []struct {
		script, body string
		code         engine.Code
		message      string
	}{
		{"refuse-redirect-host", `{"redirect_uris":["https://evil.example/cb"]}`, engine.InvalidRedirectURI,
			"evil.example"},
		{"mcp-policy", `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`,
			engine.InvalidRedirectURI, ""},
		{"c-secret-by-scope", minimal, engine.InsufficientScope, ""},
		{"refuse-custom-code", minimal, engine.InvalidClientMetadata, "'"},
		{"refuse-scope", minimal, engine.InsufficientScope, ""},
		{"refuse-token", minimal, engine.InvalidToken, "no longer accepted"},
		{"refuse-secret", minimal, engine.InvalidClientMetadata, "have no secrets"},
		{"refuse-silent", minimal, engine.InvalidClientMetadata, "no reason was given"},
		{"accept-all", `{"redirect_uris":["https://app.example/#f"]}`, engine.InvalidRedirectURI, "has a fragment"},
		{"every-host-function", `{"redirect_uris":["https://app.example/cb"],"refuse_me":true}`,
			engine.InvalidRedirectURI, ""},
	} {
		t.Run(tt.script, func(t *testing.T) {
			t.Parallel()
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
	t.Parallel()
	for _, tt := range []struct{ script, message string }{
		{"count-base-twice", "call_base: it was called twice"},
		{"fail-trap", "unreachable"},
		{"fail-patched-request", "unreachable"},
		{"fail-stack", "more than 1000 calls nest"},
		{"fail-spin", "it ran out of fuel"},
		{"fail-spin-position", "it ran out of fuel; at the third turn"},
		{"fail-spin-positions", "it ran out of fuel"},
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
		{"fail-reason", `no luck\n\x1b[31m with [redacted]xxx`},
		{"items-read", "it returned"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Options{})
			b.deployFixtures(tt.script)
			_, err := b.register(minimal)
			failure, ok := errors.AsType[*host.ScriptError](err)
			if !ok || failure.Script != tt.script || !strings.Contains(failure.Reason, tt.message) {
				t.Errorf("got %v, want a failure with %q", err, tt.message)
			}
			if n := b.clients(); n != 0 {
				t.Errorf("%d clients are stored", n)
			}
		})
	}
}

// A breach of an invariant by a script names the script.
func TestFixturesBreakInvariants(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ script, message string }{
		{"fail-no-id", "the client ID has 0 characters"},
		{"fail-private-key", "private"},
		{"fail-unsafe-redirect", "javascript"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Options{})
			b.deployFixtures(tt.script)
			_, err := b.register(minimal)
			breach, ok := errors.AsType[*engine.InvariantError](err)
			if !ok || !strings.Contains(breach.Error(), tt.message) ||
				!strings.Contains(breach.Error(), "by script "+tt.script+" (sha256:") {
				t.Errorf("got %v, want a breach with %q", err, tt.message)
			}
			if n := b.clients(); n != 0 {
				t.Errorf("%d clients are stored", n)
			}
		})
	}
}
