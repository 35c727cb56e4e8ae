package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/scripts"
	"registrar/server"
	"registrar/server/adminapi"
)

// A hung is a database that does not answer. Its writes may have taken effect.
type hung struct{}

func (hung) read(ctx context.Context) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %w", engine.ErrUnavailable, ctx.Err())
}

func (h hung) write(ctx context.Context) error {
	return fmt.Errorf("%w: %w", engine.ErrOutcomeUnknown, h.read(ctx))
}

func (h hung) Client(ctx context.Context, _ string) (*engine.Client, error) { return nil, h.read(ctx) }
func (h hung) Clients(ctx context.Context, _ engine.ClientFilter, _ int64, _ int) (engine.ClientPage, error) {
	return engine.ClientPage{}, h.read(ctx)
}
func (h hung) DeleteClient(ctx context.Context, _ string) error { return h.write(ctx) }
func (h hung) ClientByToken(ctx context.Context, _ string, _ [32]byte) (*engine.Client, error) {
	return nil, h.read(ctx)
}
func (h hung) DeleteClientByToken(ctx context.Context, _ string, _ [32]byte) error {
	return h.write(ctx)
}
func (h hung) Module(ctx context.Context, _ string) (scripts.Module, error) {
	return scripts.Module{}, h.read(ctx)
}
func (h hung) ModuleBytes(ctx context.Context, _ string) ([]byte, error)    { return nil, h.read(ctx) }
func (h hung) Modules(ctx context.Context) ([]scripts.Module, error)        { return nil, h.read(ctx) }
func (h hung) DeleteModule(ctx context.Context, _ string) error             { return h.write(ctx) }
func (h hung) AddClient(ctx context.Context, _ *engine.Client) error        { return h.read(ctx) }
func (h hung) UpdateClient(ctx context.Context, _ *engine.Client) error     { return h.write(ctx) }
func (h hung) DeleteInitialAccessToken(ctx context.Context, _ string) error { return h.write(ctx) }
func (h hung) Deployment(ctx context.Context, _ int64) (scripts.Deployment, error) {
	return scripts.Deployment{}, h.read(ctx)
}
func (h hung) Deployments(ctx context.Context, _ int64, _ int) ([]scripts.Deployment, error) {
	return nil, h.read(ctx)
}
func (h hung) CurrentDeployment(ctx context.Context) (scripts.Deployment, error) {
	return scripts.Deployment{}, h.read(ctx)
}
func (h hung) Replicas(ctx context.Context) ([]scripts.Replica, error) {
	return nil, h.read(ctx)
}
func (h hung) Shadows(ctx context.Context, _ string, _ int) ([]scripts.Shadow, error) {
	return nil, h.read(ctx)
}
func (h hung) AddInitialAccessToken(ctx context.Context, _ *engine.InitialAccessToken) error {
	return h.write(ctx)
}
func (h hung) InitialAccessTokens(ctx context.Context) ([]*engine.InitialAccessToken, error) {
	return nil, h.read(ctx)
}
func (h hung) InitialAccessToken(ctx context.Context, _ [32]byte) (*engine.InitialAccessToken, error) {
	return nil, h.read(ctx)
}

// A compilers records how long its calls may take.
type compilers struct {
	mu  sync.Mutex
	got map[string]time.Duration
}

func (s *compilers) record(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline, _ := ctx.Deadline()
	s.got[name] = time.Until(deadline)
	return engine.ErrUnavailable
}

func (s *compilers) Upload(ctx context.Context, _ string, _ []byte, _ string) (scripts.Module, bool, error) {
	return scripts.Module{}, false, s.record(ctx, "Upload")
}

func (s *compilers) Pack(ctx context.Context, _, _ string, _ []byte) ([]byte, error) {
	return nil, s.record(ctx, "Pack")
}

func (s *compilers) Deploy(ctx context.Context, _ scripts.Deployment, _ *int64) (scripts.Deployment, error) {
	return scripts.Deployment{}, s.record(ctx, "Deploy")
}

func (s *compilers) DryRun(
	ctx context.Context, _ *engine.Engine, _ *engine.Request, _ *engine.Caller, _ []scripts.Script,
) (scripts.DryRun, error) {
	return scripts.DryRun{}, s.record(ctx, "DryRun")
}

// hungSite returns the two listeners of a server whose database does not answer.
func hungSite(t *testing.T, change func(*server.Config)) (public, admin *httptest.Server) {
	t.Helper()
	var db hung
	e, err := engine.New(engine.Config{Store: db,
		Options: engine.Options{RegistrationEndpoint: "http://localhost:8080/register"}})
	if err != nil {
		t.Fatal(err)
	}
	c := server.Config{Engine: e, Clients: db, Management: db, Modules: db, Deployments: db, Shadows: db,
		Replicas:            db.Replicas,
		InitialAccessTokens: db, InitialAccessToken: db.InitialAccessToken, Registration: server.RegistrationOpen,
		MarkSeen:      func(ctx context.Context, _ []string, _ time.Time) error { return db.write(ctx) },
		NoteSeen:      func(string, time.Time) {},
		Ready:         db.read,
		Administrator: findAdmin, Scripts: &compilers{got: map[string]time.Duration{}},
		RequestTimeout: 100 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	public, admin = httptest.NewServer(s.Public()), httptest.NewServer(s.Admin())
	t.Cleanup(public.Close)
	t.Cleanup(admin.Close)
	return public, admin
}

// send sends a request with a token and returns the answer and its body.
func send(t testing.TB, method, url, token string, body io.Reader) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(url, "/modules?name=x") {
		request.Header.Set("Content-Type", "application/wasm")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(b)
}

// Every route answers 503 with Retry-After while the database does not answer. A write says that it may have taken
// effect.
func TestDatabaseDoesNotAnswer(t *testing.T) {
	public, admin := hungSite(t, nil)
	const read, write = "Try again.", "may have taken effect"
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/register", `{` + web + `}`, read},
		{"GET", "/register/a", "", read},
		{"PUT", "/register/a", `{"client_id":"a",` + web + `}`, read},
		{"DELETE", "/register/a", "", read},
		{"GET", adminapi.PathClients, "", read},
		{"GET", adminapi.PathClients + "/a", "", read},
		{"DELETE", adminapi.PathClients + "/a", "", write},
		{"POST", adminapi.PathClients + "/a/rotate-secret", "{}", read},
		{"POST", adminapi.PathClients + "/a/verify-secret", `{"client_secret":"a"}`, read},
		{"POST", adminapi.PathSeen, `{"client_ids":["a"]}`, write},
		{"GET", adminapi.PathModules, "", read},
		{"GET", adminapi.PathModules + "/a", "", read},
		{"GET", adminapi.PathModules + "/a/wasm", "", read},
		{"DELETE", adminapi.PathModules + "/a", "", write},
		{"POST", adminapi.PathDeployments, `{"copy_of":3}`, read},
		{"GET", adminapi.PathDeployments, "", read},
		{"GET", adminapi.PathDeployments + "/current", "", read},
		{"GET", adminapi.PathDeployments + "/3", "", read},
		{"GET", adminapi.PathReplicas, "", read},
		{"GET", adminapi.PathShadows, "", read},
		{"POST", adminapi.PathInitialAccessTokens, `{"label":"a"}`, write},
		{"GET", adminapi.PathInitialAccessTokens, "", read},
		{"DELETE", adminapi.PathInitialAccessTokens + "/a", "", write},
	} {
		base, token := public.URL, "token"
		if strings.HasPrefix(c.path, adminapi.Prefix) {
			base, token = admin.URL, adminToken
		}
		response, body := send(t, c.method, base+c.path, token, strings.NewReader(c.body))
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" ||
			!strings.Contains(body, c.want) {
			t.Errorf("%s %s: got %d, Retry-After %q, %s; want 503 with %q", c.method, c.path, response.StatusCode,
				response.Header.Get("Retry-After"), body, c.want)
		}
		if base == public.URL && !strings.Contains(body, `"temporarily_unavailable"`) {
			t.Errorf("%s %s: got %s", c.method, c.path, body)
		}
	}
	if response, _ := send(t, "GET", admin.URL+"/readyz", "",
		nil); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %d", response.StatusCode)
	}
}

// What may compile modules has more time, except for looking up the admin token.
func TestCompilingHasItsOwnBound(t *testing.T) {
	boxes := &compilers{got: map[string]time.Duration{}}
	_, admin := hungSite(t, func(c *server.Config) { c.Scripts = boxes })
	send(t, "POST", admin.URL+adminapi.PathModules+"?name=x", adminToken, strings.NewReader("\x00asm"))
	send(t, "POST", admin.URL+adminapi.PathDeployments, adminToken, strings.NewReader(`{"scripts":[]}`))
	send(t, "POST", admin.URL+adminapi.PathDryRun, adminToken, strings.NewReader(`{"request":{`+web+`}}`))
	for _, name := range []string{"Upload", "Deploy", "DryRun"} {
		if got := boxes.got[name]; got < time.Minute || got > 2*time.Minute {
			t.Errorf("%s may take %v, want two minutes", name, got)
		}
	}
	_, admin = hungSite(t, func(c *server.Config) {
		c.Administrator = func(ctx context.Context, _ string) (*token.Administrator, error) {
			return nil,
				hung{}.read(ctx)
		}
	})
	response, _ := send(t, "POST", admin.URL+adminapi.PathDeployments, adminToken, strings.NewReader(`{"scripts":[]}`))
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("looking up the token: got %d", response.StatusCode)
	}
}

// The time in which a body arrives does not count.
func TestSlowBody(t *testing.T) {
	seen := make(chan error, 1)
	_, admin := hungSite(t, func(c *server.Config) {
		c.RequestTimeout = time.Second
		c.MarkSeen = func(ctx context.Context, _ []string, _ time.Time) error {
			seen <- ctx.Err()
			return nil
		}
	})
	body, writer := io.Pipe()
	go func() {
		_, _ = writer.Write([]byte(`{"client_ids":`))
		time.Sleep(1500 * time.Millisecond) // longer than the request may take
		_, _ = writer.Write([]byte(`["a"]}`))
		writer.Close()
	}()
	response, text := send(t, "POST", admin.URL+adminapi.PathSeen, adminToken, body)
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s, want 204", response.StatusCode, text)
	}
	if err := <-seen; err != nil {
		t.Errorf("the context has ended: %v", err)
	}
}

// Looking up a token takes from the time of its registration.
func TestLookUpTakesFromTheRegistration(t *testing.T) {
	const timeout = 10 * time.Second
	deadlines := make(chan time.Time, 2)
	public, _ := hungSite(t, func(c *server.Config) {
		e, err := engine.New(engine.Config{Store: &deadlineStore{deadlines: deadlines}})
		if err != nil {
			t.Fatal(err)
		}
		c.Engine, c.RequestTimeout = e, timeout
		c.InitialAccessToken = func(ctx context.Context, _ [32]byte) (*engine.InitialAccessToken, error) {
			deadline, _ := ctx.Deadline()
			deadlines <- deadline
			return &engine.InitialAccessToken{ID: "a", CreatedAt: time.Now()}, nil
		}
	})
	response, text := send(t, "POST", public.URL+"/register", "token", strings.NewReader(`{`+web+`}`))
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("got %d %s", response.StatusCode, text)
	}
	lookUp, storing := <-deadlines, <-deadlines
	// They differ by the time in which the body was read.
	if lookUp.IsZero() || storing.Sub(lookUp) < 0 || storing.Sub(lookUp) > timeout/2 {
		t.Errorf("the token was looked up until %v, and the client stored until %v", lookUp, storing)
	}
}

// A deadlineStore reports the deadlines of its calls.
type deadlineStore struct {
	hung
	deadlines chan time.Time
}

func (s *deadlineStore) AddClient(ctx context.Context, _ *engine.Client) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return errors.New("no deadline")
	}
	s.deadlines <- deadline
	return nil
}
