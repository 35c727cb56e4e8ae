package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/app"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server"
)

func TestMain(m *testing.M) { wasmtest.Main(m) }

// A server that serves until the context is done.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "registrar-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, app.Config{
		Database:    "sqlite:" + filepath.Join(folder, "registrar.db"),
		Migrate:     true,
		Listen:      "127.0.0.1:0",
		AdminListen: "127.0.0.1:0",
		Server:      server.Config{Registration: server.RegistrationOpen},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	defer a.Close(ctx)
	err = a.Serve(ctx, func(public, _ net.Addr) {
		go func() {
			defer stop()
			response, err := http.Post("http://"+public.String()+"/register", "application/json",
				strings.NewReader(`{"redirect_uris":["https://app.example/cb"]}`))
			if err != nil {
				panic(err)
			}
			response.Body.Close()
			fmt.Println(response.Status)
		}()
	})
	fmt.Println(err)
	// Output:
	// 201 Created
	// <nil>
}

// newApp returns an App that is closed when the test ends.
func newApp(t *testing.T, c app.Config) *app.App {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	c.Scripts.CacheFolder, c.Scripts.CompileCommand = wasmtest.Compiler.Cache, wasmtest.Compiler.Command
	a, err := app.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(context.Background()) })
	return a
}

// A server is ready once its deployment is loaded, and describes it.
func TestReadyAndDeployment(t *testing.T) {
	a := newApp(t, app.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err := a.Ready(t.Context()); err == nil {
		t.Error("ready before a deployment is loaded")
	}
	if got := a.Deployment(t.Context()); !strings.HasPrefix(got, "not loaded, so no client can register: ") {
		t.Errorf("before a deployment is loaded: got %q", got)
	}
	if err := a.Scripts.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	if got := a.Deployment(t.Context()); got != app.NoDeployment {
		t.Errorf("got %q, want %q", got, app.NoDeployment)
	}
	m, _, err := a.Scripts.Upload(t.Context(), "prefix-id", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Scripts.Deploy(t.Context(),
		scripts.Deployment{Scripts: []scripts.Script{{Name: "prefix-id", Module: m.Digest}}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := a.Deployment(t.Context()); got != "1: prefix-id" {
		t.Errorf("got %q, want %q", got, "1: prefix-id")
	}
}

// Without Migrate, New refuses a database whose schema is out of date and does not change it.
func TestNewWithoutMigrating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if a, err := app.New(t.Context(), app.Config{Database: "sqlite:" + path}); err == nil {
		a.Close(t.Context())
		t.Error("a database without a schema was accepted")
	}
	newApp(t, app.Config{Database: "sqlite:" + path, Migrate: true}).Close(t.Context())
	newApp(t, app.Config{Database: "sqlite:" + path})
}

// Serve fails if an address is in use, and closes the other listener.
func TestServeOnATakenAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]app.Config{
		"public": {Listen: taken.Addr().String(), AdminListen: "127.0.0.1:0"},
		"admin":  {Listen: "127.0.0.1:0", AdminListen: taken.Addr().String()},
	} {
		c.Database, c.Migrate = "sqlite:"+filepath.Join(t.TempDir(), "test.db"), true
		err := newApp(t, c).Serve(t.Context(), func(net.Addr, net.Addr) { t.Error("listening was called") })
		if err == nil || !strings.Contains(err.Error(), "listening on the "+name+" address") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// New refuses an invalid configuration before anything listens, and closes the database.
func TestNewRefuses(t *testing.T) {
	c := app.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true,
		Logger: slog.New(slog.DiscardHandler)}
	c.Engine.Options.ClientIDFormat = "guess"
	if a, err := app.New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "client ID format") {
		t.Errorf("got %v, %v", a, err)
	}
	c = app.Config{Database: "nothing:"}
	if a, err := app.New(t.Context(), c); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v", a, err)
	}
}
