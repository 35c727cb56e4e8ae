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

// A whole server in a few lines: it serves until the context is done.
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

// newApp returns an App on a database, which must be migrated unless it is new.
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

// A server is ready once its deployment is loaded, and says in words which one that is.
func TestReadyAndDeployment(t *testing.T) {
	a := newApp(t, app.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err := a.Ready(t.Context()); err == nil {
		t.Error("it is ready before a deployment is loaded")
	}
	if got := a.Deployment(t.Context()); !strings.HasPrefix(got, "not loaded, so no client can register: ") {
		t.Errorf("before a deployment is loaded: got %q", got)
	}
	if err := a.Scripts.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	if got := a.Deployment(t.Context()); got != app.NoDeployment {
		t.Errorf("got %q, want %q", got, app.NoDeployment)
	}
	m, _, err := a.Scripts.Upload(t.Context(), "prefix-id", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Scripts.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{{Name: "prefix-id", Module: m.Digest}}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := a.Deployment(t.Context()); got != "1: prefix-id" {
		t.Errorf("got %q, want %q", got, "1: prefix-id")
	}
}

// A database whose schema may not be changed is refused if it is not the newest, and nothing is made of it.
func TestNewWithoutMigrating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if a, err := app.New(t.Context(), app.Config{Database: "sqlite:" + path}); err == nil {
		a.Close(t.Context())
		t.Error("a database without a schema is taken")
	}
	newApp(t, app.Config{Database: "sqlite:" + path, Migrate: true}).Close(t.Context())
	newApp(t, app.Config{Database: "sqlite:" + path})
}

// An address that is taken ends Serve, and nothing goes on listening.
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
		err := newApp(t, c).Serve(t.Context(), func(net.Addr, net.Addr) { t.Error("it listens") })
		if err == nil || !strings.Contains(err.Error(), "listening on the "+name+" address") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What the configuration refuses is refused before anything listens, and the database is closed.
func TestNewRefuses(t *testing.T) {
	c := app.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Migrate: true, Logger: slog.New(slog.DiscardHandler)}
	c.Engine.Options.ClientIDFormat = "guess"
	if a, err := app.New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "client ID format") {
		t.Errorf("got %v, %v", a, err)
	}
	c = app.Config{Database: "nothing:"}
	if a, err := app.New(t.Context(), c); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v", a, err)
	}
}
