package host_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/scripts/sandbox"
	"registrar/store"
)

const minimal = `{"redirect_uris":["https://app.example/cb"]}`

// A bench is a server without HTTP: an engine, a script host and a SQLite store.
type bench struct {
	t      testing.TB
	store  *store.Store
	host   *host.Host
	engine *engine.Engine
	log    *bytes.Buffer
	close  func() // closes the host; the end of the test calls it too
}

// newBench returns a bench whose scripts have a minute for each step, so that a slow machine fails no test.
func newBench(t testing.TB, options engine.Options, changes ...func(*host.Config)) *bench {
	t.Helper()
	b := &bench{t: t, log: &bytes.Buffer{}}
	var err error
	b.store, err = store.Open(t.Context(),
		store.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	config := host.Config{
		RegistrationTimeout: time.Minute,
		Modules:             b.store,
		Deployments:         b.store,
		ClientExists:        b.store.ClientExists,
		Shadows:             b.store,
		Config:              boxConfig(),
		Logger:              slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range changes {
		change(&config)
	}
	b.host, err = host.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	b.close = sync.OnceFunc(func() { b.host.Close(context.Background()) })
	t.Cleanup(b.close)
	if err := b.host.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.engine, err = engine.New(engine.Config{Store: b.store, Options: options, Overrides: b.host.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// boxConfig returns a configuration with the compiler of the test run and a minute for each step.
func boxConfig() sandbox.Config {
	return sandbox.Config{
		StepTimeout:    time.Minute,
		CacheFolder:    wasmtest.Compiler.Cache,
		CompileCommand: wasmtest.Compiler.Command,
	}
}

// script uploads a fixture and returns it as a script of a deployment.
func (b *bench) script(name string) scripts.Script {
	b.t.Helper()
	m, _, err := b.host.Upload(b.t.Context(), name, wasmtest.Wasm(b.t, name), "")
	if err != nil {
		b.t.Fatalf("uploading %s: %v", name, err)
	}
	return scripts.Script{Name: name, Module: m.Digest}
}

// packed packs and uploads a script; without a text, it uploads the fixture.
func (b *bench) packed(name, text string) scripts.Script {
	if text == "" {
		return b.script(name)
	}
	wasm, err := b.host.Pack(b.t.Context(), name, ".js", []byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	m, _, err := b.host.Upload(b.t.Context(), name, wasm, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return scripts.Script{Name: name, Module: m.Digest}
}

func (b *bench) deploy(list ...scripts.Script) {
	b.t.Helper()
	if _, err := b.host.Deploy(b.t.Context(), scripts.Deployment{Scripts: list}, nil); err != nil {
		b.t.Fatal(err)
	}
}

// deployFixtures deploys fixtures, outermost first.
func (b *bench) deployFixtures(names ...string) {
	b.t.Helper()
	var list []scripts.Script
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
	page, err := b.store.Clients(b.t.Context(), engine.ClientFilter{}, 0, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(page.Clients)
}

func response(t testing.TB, r *engine.Registration) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(r.Response, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// forgetful is a store that drops clients.
type forgetful struct{}

func (forgetful) AddClient(context.Context, *engine.Client) error { return nil }

func (forgetful) UpdateClient(context.Context, *engine.Client) error { return nil }
