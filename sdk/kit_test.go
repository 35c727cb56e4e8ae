package sdk_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/scripts/sandbox"
)

// usual is a request with escapes in names and strings.
const usual = `{"redirect_uris":["https://app.example/cb"],"x":{"client_name":"inner"},"client\u005fname":"Kit ` +
	`\"\u00e9\" \ud83d\ude00\\"}`

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A script is a config of the conformance module: actions by step, and members beside "steps".
type script map[string]string

func do(step, action string) script { return script{step: action} }

func refuse(step string) script {
	return script{step: "refuse", "code": string(engine.InvalidRedirectURI), "description": "because of kit"}
}

func (s script) config(t testing.TB) jsontext.Value {
	t.Helper()
	steps := map[string]string{}
	config := map[string]any{"note": `a "note"/é`, "steps": steps}
	for name, value := range s {
		switch name {
		case "note", "code", "description":
			config[name] = value
		default:
			steps[name] = value
		}
	}
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A kit runs registrations, without HTTP and a database, through a conformance module.
type kit struct {
	t      testing.TB
	host   *host.Host
	module scripts.Module
	shelf  *shelf
	random *entropy
	log    *recorder

	doubles bool // whether numbers of the script's language are IEEE 754 doubles

	// Properties of the next registrations.
	statement string
	caller    *engine.Caller
	mode      engine.Mode
	taken     bool // whether the client ID "taken" exists
}

// newKit returns a kit that ends with the test.
func newKit(t testing.TB, wasm []byte) *kit {
	t.Helper()
	k := &kit{}
	k.start(t.Context(), t, wasm)
	t.Cleanup(func() { k.host.Close(context.Background()) })
	return k
}

func (k *kit) start(ctx context.Context, t testing.TB, wasm []byte) {
	t.Helper()
	k.t, k.shelf, k.random, k.log = t, &shelf{modules: map[string][]byte{}}, &entropy{}, &recorder{}
	k.reset()
	var err error
	k.host, err = host.New(ctx, host.Config{
		Config: sandbox.Config{
			StepTimeout: time.Minute, Pool: 1, Random: k.random,
			CacheFolder: wasmtest.Compiler.Cache, CompileCommand: wasmtest.Compiler.Command,
		},
		Modules: k.shelf, Deployments: k.shelf,
		ClientExists: func(_ context.Context, id string) (bool, error) { return k.taken && id == "taken", nil },
		Logger:       slog.New(k.log),

		RegistrationTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if k.module, _, err = k.host.Upload(ctx, "kit", wasm, ""); err != nil {
		t.Fatal(err)
	}
}

func (k *kit) reset() {
	k.statement, k.mode, k.taken = "", engine.ModeEnforce, false
	k.random.zero.Store(false)
	k.random.count.Store(0)
	k.caller = &engine.Caller{Auth: "jwt", Subject: "ci", Scopes: []string{"read", "write"}}
}

// An outcome is the result of a registration.
type outcome struct {
	registration *engine.Registration
	err          error
	lines        []line
}

// register registers the usual client through these scripts, the first one outermost.
func (k *kit) register(list ...script) outcome { return k.registerBody(usual, list...) }

func (k *kit) registerBody(body string, list ...script) outcome {
	k.t.Helper()
	var configs []jsontext.Value
	for _, s := range list {
		configs = append(configs, s.config(k.t))
	}
	return k.registerConfigs(body, configs...)
}

// registerConfigs is registerBody with raw configs.
func (k *kit) registerConfigs(body string, configs ...jsontext.Value) outcome {
	k.t.Helper()
	k.deploy(configs...)
	return k.registerDeployed(body)
}

// deploy deploys scripts with raw configs, the first one outermost.
func (k *kit) deploy(configs ...jsontext.Value) {
	k.t.Helper()
	var deployed []scripts.Script
	for i, config := range configs {
		deployed = append(deployed, scripts.Script{Name: "kit" + strconv.Itoa(i), Module: k.module.Digest,
			Config: config})
	}
	if _, err := k.host.Deploy(k.t.Context(), scripts.Deployment{Scripts: deployed}, nil); err != nil {
		k.t.Fatal(err)
	}
}

// registerDeployed registers a client through the deployed scripts.
func (k *kit) registerDeployed(body string) outcome {
	k.t.Helper()
	e := k.engine()
	request, err := engine.ParseRequest([]byte(body))
	if err != nil {
		k.t.Fatal(err)
	}
	k.log.take()
	r, err := e.Register(k.t.Context(), request, k.caller)
	return outcome{r, err, k.log.take()}
}

func (k *kit) engine() *engine.Engine {
	k.t.Helper()
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: k.overrides,
		Now: func() time.Time { return now }})
	if err != nil {
		k.t.Fatal(err)
	}
	return e
}

// rotate rotates the secret of a registered client, through the scripts of the last registration.
func (k *kit) rotate(c *engine.Client) outcome {
	k.t.Helper()
	k.log.take()
	_, err := k.engine().RotateSecret(k.t.Context(), c, 0, "", &engine.AdminCall{})
	return outcome{err: err, lines: k.log.take()}
}

// overrides applies the kit's properties to a registration and returns the host's overrides.
func (k *kit) overrides(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
	r.Mode = k.mode
	if k.statement != "" {
		r.Statement = jsontext.Value(k.statement)
	}
	return k.host.Overrides(r, base)
}

func (o outcome) texts() []string {
	var list []string
	for _, l := range o.lines {
		list = append(list, l.text)
	}
	return list
}

func (o outcome) done(t *testing.T) {
	t.Helper()
	if o.err != nil {
		t.Fatalf("the client was not registered: %v", o.err)
	}
}

func (o outcome) refused(t *testing.T, code engine.Code, description string) {
	t.Helper()
	refusal, ok := errors.AsType[*engine.Error](o.err)
	if !ok || refusal.Code != code || !strings.Contains(refusal.Description, description) {
		t.Errorf("got %v, want %s: %s", o.err, code, description)
	}
}

// failed checks that the script failed in a step, for a reason that contains the given words. In JavaScript the
// function set_client_id is setClientId, so neither case nor underscores matter.
func (o outcome) failed(t *testing.T, step, reason string) {
	t.Helper()
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	failure, ok := errors.AsType[*host.ScriptError](o.err)
	if !ok || failure.Step != step || !strings.Contains(plain(failure.Reason), plain(reason)) {
		t.Errorf("got %v, want a failure in %s: %s", o.err, step, reason)
	}
}

// breached checks that the client was neither registered nor refused.
func (o outcome) breached(t *testing.T) {
	t.Helper()
	if _, refused := errors.AsType[*engine.Error](o.err); refused || o.err == nil {
		t.Errorf("got %v, want a breach", o.err)
	}
}

// entropy reads from crypto/rand, or zeros, or counts on from a number above 0.
type entropy struct {
	zero  atomic.Bool
	count atomic.Int64
}

func (e *entropy) Read(b []byte) (int, error) {
	if e.zero.Load() {
		clear(b)
		return len(b), nil
	}
	if e.count.Load() > 0 {
		next := e.count.Add(int64(len(b))) - int64(len(b))
		for i := range b {
			b[i] = byte(next + int64(i))
		}
		return len(b), nil
	}
	return rand.Read(b)
}

// A line is a log line of a script.
type line struct{ level, step, text string }

// A recorder is a log handler that keeps the lines of scripts.
type recorder struct {
	mu    sync.Mutex
	lines []line
}

func (r *recorder) take() []line {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

func (*recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r *recorder) WithGroup(string) slog.Handler          { return r }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	if record.Message != "script log" {
		return nil
	}
	l := line{level: record.Level.String()}
	record.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "step":
			l.step = a.Value.String()
		case "line":
			l.text = a.Value.String()
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l)
	return nil
}

// A shelf stores modules and the deployment in force, in memory.
type shelf struct {
	mu      sync.Mutex
	modules map[string][]byte
	current scripts.Deployment
}

func (s *shelf) AddModule(_ context.Context, m scripts.Module, wasm []byte) (scripts.Module, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modules[m.Digest] = wasm
	return m, true, nil
}

func (s *shelf) Modules(context.Context) ([]scripts.Module, error) { return nil, nil }

func (s *shelf) ModuleBytes(_ context.Context, digest string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modules[digest], nil
}

func (s *shelf) AddDeployment(_ context.Context, d scripts.Deployment, _ *int64) (scripts.Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Number = s.current.Number + 1
	s.current = d
	return d, nil
}

func (s *shelf) CurrentDeployment(context.Context) (scripts.Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, nil
}

func (s *shelf) CurrentDeploymentNumber(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.Number, nil
}

// forgetful is a client store that stores nothing.
type forgetful struct{}

func (forgetful) AddClient(context.Context, *engine.Client) error { return nil }

func (forgetful) UpdateClient(context.Context, *engine.Client) error { return nil }

// Deployments implements [host.DeploymentStore].
func (*shelf) Deployments(context.Context, int64, int) ([]scripts.Deployment, error) { return nil, nil }
