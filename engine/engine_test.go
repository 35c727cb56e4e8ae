package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// A memory is a ClientStore that keeps clients in a map. Package storetest tests the real stores.
type memory struct {
	mu      sync.Mutex
	clients map[string]*Client
}

func (m *memory) AddClient(_ context.Context, c *Client) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clients == nil {
		m.clients = make(map[string]*Client)
	}
	if _, taken := m.clients[c.ID]; taken {
		return ErrExists
	}
	m.clients[c.ID] = c
	return nil
}

func (m *memory) UpdateClient(_ context.Context, c *Client) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.clients[c.ID]; old == nil || old.RegistrationID != c.RegistrationID || old.Version != c.Version {
		return ErrConflict
	}
	stored := *c
	stored.Version++
	m.clients[c.ID] = &stored
	return nil
}

const minimal = `{"redirect_uris":["https://app.example/cb"]}`

var arrival = time.Date(2026, 5, 4, 3, 2, 1, 999_999_999, time.UTC)

func newEngine(t testing.TB, c Config) *Engine {
	t.Helper()
	if c.Store == nil {
		c.Store = &memory{}
	}
	if c.Now == nil {
		c.Now = func() time.Time { return arrival }
	}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// register registers a client with a new engine, and returns the response as decoded JSON.
func register(t testing.TB, c Config, body string) (map[string]any, error) {
	t.Helper()
	request, err := ParseRequest([]byte(body))
	if err != nil {
		return nil, err
	}
	r, err := newEngine(t, c).Register(t.Context(), request, &Caller{Auth: AuthNone})
	if err != nil {
		return nil, err
	}
	var response map[string]any
	if err := json.Unmarshal(r.Response, &response); err != nil {
		t.Fatal(err)
	}
	return response, nil
}

// override returns Overrides that apply change to the steps of every registration.
func override(change func(r *Registration, s *Steps)) Overrides {
	return func(r *Registration, s Steps) (Steps, func()) {
		change(r, &s)
		return s, func() {}
	}
}

func TestRegisterMinimal(t *testing.T) {
	store := &memory{}
	got, err := register(t, Config{Store: store}, minimal)
	if err != nil {
		t.Fatal(err)
	}
	id, secret := got["client_id"].(string), got["client_secret"].(string)
	c := store.clients[id]
	if c == nil {
		t.Fatalf("no client is stored under %q", id)
	}
	if !c.Secret.Verify(Plaintext(secret), arrival) {
		t.Error("the secret in the response does not match the stored one")
	}
	if c.Secret.Salt != nil {
		t.Error("a built-in secret is salted")
	}
	if want := arrival.Truncate(time.Microsecond); !c.IssuedAt.Equal(want) {
		t.Errorf("issued at %v, want %v", c.IssuedAt, want)
	}
	delete(got, "client_id")
	delete(got, "client_secret")
	want := map[string]any{
		"client_id_issued_at":        float64(arrival.Unix()),
		"client_secret_expires_at":   0.0,
		"redirect_uris":              []any{"https://app.example/cb"},
		"token_endpoint_auth_method": "client_secret_basic",
		"grant_types":                []any{"authorization_code"},
		"response_types":             []any{"code"},
		"application_type":           "web",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestClientIDFormats(t *testing.T) {
	for format, length := range map[ClientIDFormat]int{ClientIDUUIDv7: 36, ClientIDRandom: 43} {
		got, err := register(t, Config{Options: Options{ClientIDFormat: format}}, minimal)
		if err != nil {
			t.Fatal(err)
		}
		if id := got["client_id"].(string); len(id) != length {
			t.Errorf("%s: client_id %q has %d characters, want %d", format, id, len(id), length)
		}
	}
}

func TestSecretLifetime(t *testing.T) {
	got, err := register(t, Config{Options: Options{SecretLifetime: time.Hour}}, minimal)
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(arrival.Unix() + 3600); got["client_secret_expires_at"] != want {
		t.Errorf("client_secret_expires_at: got %v, want %v", got["client_secret_expires_at"], want)
	}
}

func TestTakenClientID(t *testing.T) {
	taken := func() *memory { return &memory{clients: map[string]*Client{"a": {}, "b": {}, "c": {}, "d": {}}} }
	ids := func(list ...string) (Overrides, *int) {
		runs := 0
		return override(func(_ *Registration, s *Steps) {
			s.AddClientID = func(_ context.Context, r *Registration) error {
				if want := runs; r.Attempt() != want {
					t.Errorf("attempt %d, want %d", r.Attempt(), want)
				}
				if r.Client.ID != "" || r.Items["seen"] != "" {
					t.Error("the registration was not restored")
				}
				r.SetItem("seen", "yes")
				r.Client.ID = list[runs]
				runs++
				return nil
			}
		}), &runs
	}
	t.Run("another ID helps", func(t *testing.T) {
		o, runs := ids("a", "b", "free")
		got, err := register(t, Config{Store: taken(), Overrides: o}, minimal)
		if err != nil || got["client_id"] != "free" || *runs != 3 {
			t.Errorf("got %v, %v after %d runs; want free after 3", got["client_id"], err, *runs)
		}
	})
	t.Run("the same ID is refused", func(t *testing.T) {
		o, runs := ids("a", "a")
		_, err := register(t, Config{Store: taken(), Overrides: o}, minimal)
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.Code != InvalidClientMetadata || *runs != 2 {
			t.Errorf("got %v after %d runs; want a refusal after 2", err, *runs)
		}
	})
	t.Run("three repetitions at most", func(t *testing.T) {
		o, runs := ids("a", "b", "c", "d")
		_, err := register(t, Config{Store: taken(), Overrides: o}, minimal)
		if _, refused := errors.AsType[*Error](err); err == nil || refused || *runs != 4 {
			t.Errorf("got %v after %d runs; want a failure after 4", err, *runs)
		}
	})
}

func TestUniqueUnderConcurrency(t *testing.T) {
	store := &memory{}
	e := newEngine(t, Config{Store: store})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				request, _ := ParseRequest([]byte(minimal))
				if _, err := e.Register(t.Context(), request, &Caller{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(store.clients) != 400 {
		t.Errorf("%d clients are stored, want 400", len(store.clients))
	}
}

// The error of a failing store is returned.
func TestStoreFails(t *testing.T) {
	_, err := register(t, Config{Store: failing{}}, minimal)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

type failing struct{}

func (failing) UpdateClient(context.Context, *Client) error { return errors.New("the disk is gone") }

func (failing) AddClient(context.Context, *Client) error {
	return fmt.Errorf("inserting: %w", ErrUnavailable)
}

func TestPreviewStoresNothing(t *testing.T) {
	store := &memory{}
	e := newEngine(t, Config{Store: store})
	request, _ := ParseRequest([]byte(minimal))
	r, err := e.Preview(t.Context(), request, &Caller{}, override(func(*Registration, *Steps) {}))
	if err != nil || r.Mode != ModeDryRun || r.Response == nil {
		t.Errorf("got %v with mode %q and response %s", err, r.Mode, r.Response)
	}
	if len(store.clients) != 0 {
		t.Errorf("%d clients are stored, want none", len(store.clients))
	}
}

// The response shows changes that the last step makes.
func TestAnsweredAsStored(t *testing.T) {
	var stored *Client
	response, err := register(t, Config{Store: &memory{}, Overrides: override(func(r *Registration, s *Steps) {
		stored = r.Client
		base := s.BuildResponse
		s.BuildResponse = func(ctx context.Context, r *Registration) error {
			err := base(ctx, r)
			r.Client.Metadata.ClientName = "changed"
			return err
		}
	})}, minimal)
	if err != nil {
		t.Fatal(err)
	}
	if response["client_name"] != "changed" || stored.Metadata.ClientName != "changed" {
		t.Errorf("got client_name %v in the response and %q in the store, want changed in both",
			response["client_name"], stored.Metadata.ClientName)
	}
}

// A script that violates an invariant makes the registration fail, not the client's request be refused.
func TestInvariants(t *testing.T) {
	after := func(field func(*Steps) *StepFunc, change func(r *Registration)) Overrides {
		return override(func(_ *Registration, s *Steps) {
			base := *field(s)
			*field(s) = func(ctx context.Context, r *Registration) error {
				if err := base(ctx, r); err != nil {
					return err
				}
				change(r)
				r.Client.Provenance.Acts = append(r.Client.Provenance.Acts,
					Act{Step: "some_step", Script: "rogue", Module: "sha256:00"})
				return nil
			}
		})
	}
	id := func(s *Steps) *StepFunc { return &s.AddClientID }
	secret := func(s *Steps) *StepFunc { return &s.AddClientSecret }
	last := func(s *Steps) *StepFunc { return &s.BuildResponse }
	with := func(change func(*Metadata)) Overrides {
		return after(id, func(r *Registration) { change(&r.Client.Metadata) })
	}
	for name, o := range map[string]Overrides{
		"no ID":            after(id, func(r *Registration) { r.Client.ID = "" }),
		"ID too long":      after(id, func(r *Registration) { r.Client.ID = strings.Repeat("a", 256) }),
		"ID with a space":  after(id, func(r *Registration) { r.Client.ID = "a b" }),
		"ID is a dot":      after(id, func(r *Registration) { r.Client.ID = "." }),
		"ID is two dots":   after(id, func(r *Registration) { r.Client.ID = ".." }),
		"ID is a URL":      after(id, func(r *Registration) { r.Client.ID = "HTTPS://app.example/" }),
		"ID outside ASCII": after(id, func(r *Registration) { r.Client.ID = "é" }),
		"secret gone":      after(secret, func(r *Registration) { r.Secret, r.Client.Secret = "", nil }),
		"secret not needed": after(secret, func(r *Registration) {
			r.Client.Metadata.TokenEndpointAuthMethod = "none"
		}),
		"secret not the stored one": after(secret, func(r *Registration) { r.Secret += "x" }),
		"secret too short": after(secret, func(r *Registration) {
			r.Secret, r.Client.Secret = "short", HashSecret("short")
		}),
		"no method": after(secret, func(r *Registration) { r.Client.Metadata.TokenEndpointAuthMethod = "" }),
		"unknown method": after(secret, func(r *Registration) {
			r.Client.Metadata.TokenEndpointAuthMethod = "client_secret_none"
		}),
		"no grant":                 with(func(m *Metadata) { m.GrantTypes = nil }),
		"grants do not fit":        with(func(m *Metadata) { m.ResponseTypes = []string{"token"} }),
		"no redirect URI":          with(func(m *Metadata) { m.RedirectURIs = nil }),
		"unsafe redirect URI":      with(func(m *Metadata) { m.RedirectURIs = []string{"javascript:alert(1)"} }),
		"http redirect URI":        with(func(m *Metadata) { m.RedirectURIs = []string{"http://app.example/"} }),
		"redirect URI of a system": with(func(m *Metadata) { m.RedirectURIs = []string{"intent:x"} }),
		"redirect URI with a star": with(func(m *Metadata) { m.RedirectURIs = []string{"https://*/"} }),
		"misspelt address":         with(func(m *Metadata) { m.LogoURI = "https://127.1/" }),
		"origin with a path":       with(func(m *Metadata) { m.AllowedCORSOrigins = []string{"https://app.example/"} }),
		"origin in upper case":     with(func(m *Metadata) { m.AllowedCORSOrigins = []string{"https://APP.example"} }),
		"name of a certificate":    with(func(m *Metadata) { m.TLSClientAuthSANDNS = "*.app.example" }),
		"custom scheme on the web": with(func(m *Metadata) { m.RedirectURIs = []string{"app:/cb"} }),
		"unsafe logo":              with(func(m *Metadata) { m.LogoURI = "data:image/png,x" }),
		"unsafe tagged page":       with(func(m *Metadata) { m.setOther("tos_uri#ja", []byte(`"javascript:x"`)) }),
		"unlisted extension":       with(func(m *Metadata) { m.setOther("tier", []byte(`1`)) }),
		"two sources of keys": with(func(m *Metadata) {
			m.JWKS, m.JWKSURI = []byte(`{"keys":[{"kty":"x"}]}`), "https://app.example/jwks"
		}),
		"private key":         with(func(m *Metadata) { m.JWKS = []byte(`{"keys":[{"kty":"oct","k":"AA"}]}`) }),
		"bad scope":           with(func(m *Metadata) { m.Scope = `a "b"` }),
		"response of another": after(last, func(r *Registration) { r.Response = []byte(`{"client_id":"other"}`) }),
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			_, err := register(t, Config{Store: store, Overrides: o}, minimal)
			breach, ok := errors.AsType[*InvariantError](err)
			if !ok {
				t.Fatalf("got %v, want an InvariantError", err)
			}
			if !strings.Contains(breach.Error(), "rogue (sha256:00) in some_step") {
				t.Errorf("%q does not name the script", breach)
			}
			if len(store.clients) != 0 {
				t.Error("a client is stored, want none")
			}
		})
	}
}

func TestSnapshot(t *testing.T) {
	r := &Registration{Client: &Client{ID: "a"}, Items: map[string]string{"k": "v"}}
	s := r.Snapshot()
	for range 2 {
		r.Client.ID = "b"
		r.Client.Metadata.setOther("x", []byte("1"))
		r.SetItem("k", "w")
		r.Secret, r.Response = "p", []byte("{}")
		r.Restore(&s)
		if r.Client.ID != "a" || r.Client.Metadata.Other != nil || r.Items["k"] != "v" || r.Secret != "" ||
			r.Response != nil {
			t.Fatalf("Restore left %+v", r)
		}
	}
}

func TestPlaintextDoesNotPrint(t *testing.T) {
	p := Plaintext("plain-and-simple")
	b, err := json.Marshal(map[string]any{"p": p})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		fmt.Sprint(p), fmt.Sprintf("%v %s %+v %#v %q", p, p, p, p, p), string(b), p.LogValue().String(),
		fmt.Sprintf("%+v", Registration{Secret: p}),
	} {
		if strings.Contains(s, "plain") {
			t.Errorf("%q shows the secret", s)
		}
	}
}

func TestNewRefusesOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"secret lifetime":         {SecretLifetime: -time.Second},
		"whole seconds":           {SecretLifetime: time.Millisecond},
		"client ID format":        {ClientIDFormat: "uuid"},
		"unsupported values":      {UnsupportedValues: "drop"},
		"grant response mismatch": {GrantResponseMismatch: "never"},
		"web custom scheme":       {WebCustomScheme: "allow"},
		"native scheme":           {NativeScheme: "none"},
		"scope \"a b\"":           {DefaultScopes: []string{"a b"}},
		"not among the allowed":   {DefaultScopes: []string{"a"}, AllowedScopes: []string{"b"}},
		"signing algorithm":       {SigningAlgs: []string{"HS256"}},
		"client_secret":           {EchoExtensions: []string{"client_secret"}},
		"client_name":             {EchoExtensions: []string{"client_name"}},
		"logo_uri#ja":             {EchoExtensions: []string{"logo_uri#ja"}},
	} {
		if _, err := New(Config{Options: o}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", o, err, want)
		}
	}
}

// discard is a ClientStore that stores nothing.
type discard struct{}

func (discard) AddClient(context.Context, *Client) error { return nil }

func (discard) UpdateClient(context.Context, *Client) error { return nil }
