// Package servertest starts whole servers for tests, in the test's process: both listeners on loopback, the engine, the
// scripts and a real database. Tests of a package that is part of the server need it in their external test package.
package servertest

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"registrar/internal/app"
	"registrar/internal/wasmtest"
	"registrar/server"
	"registrar/server/adminapi"
)

// AdminToken opens the admin API of every [Server], unless its configuration names another one.
const AdminToken = "an-admin-token-for-tests-0123456789"

// A Server is a running server. It is closed when the test ends.
type Server struct {
	*app.App
	Public, Admin *httptest.Server
	Database      string // as in [app.Config]
	Log           *Buffer
}

// Options are what [New] does beside the configuration.
type Options struct {
	// Wrap replaces the handler of a listener, "public" or "admin"; nil means that it stays.
	Wrap func(listener string, h http.Handler) http.Handler
	// Unmanaged means that clients cannot manage their registrations.
	Unmanaged bool
}

// New starts a server. The zero configuration is one on a new SQLite database at which every client may register. Scripts
// and requests have a minute, unless the configuration gives them less, so that a slow machine fails no test.
func New(t testing.TB, c app.Config, o Options) *Server {
	t.Helper()
	s := &Server{Public: httptest.NewUnstartedServer(nil), Admin: httptest.NewUnstartedServer(nil), Log: &Buffer{}}
	c.Database = cmp.Or(c.Database, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	s.Database, c.Migrate = c.Database, true
	c.AdminToken = cmp.Or(c.AdminToken, AdminToken)
	c.Logger = slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Scripts.CacheFolder, c.Scripts.CompileCommand = wasmtest.Compiler.Cache, wasmtest.Compiler.Command
	c.Scripts.StepTimeout = cmp.Or(c.Scripts.StepTimeout, time.Minute)
	c.Server.Registration = cmp.Or(c.Server.Registration, server.RegistrationOpen)
	c.Server.RequestTimeout = cmp.Or(c.Server.RequestTimeout, time.Minute)
	if !o.Unmanaged {
		c.Engine.Options.RegistrationEndpoint = "http://" + s.Public.Listener.Addr().String() + "/register"
	}
	var err error
	if s.App, err = app.New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	if err := s.Scripts.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.start(t, "public", s.Public, s.Server.Public(), o)
	s.start(t, "admin", s.Admin, s.Server.Admin(), o)
	return s
}

func (s *Server) start(t testing.TB, name string, listener *httptest.Server, h http.Handler, o Options) {
	if o.Wrap != nil {
		h = o.Wrap(name, h)
	}
	listener.Config.Handler = h
	listener.Start()
	t.Cleanup(listener.Close)
}

// API returns a client of the admin API.
func (s *Server) API() *adminapi.API { return &adminapi.API{Base: s.Admin.URL, Token: AdminToken} }

// A Buffer collects what is written to it, and may be read meanwhile. The zero value is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
