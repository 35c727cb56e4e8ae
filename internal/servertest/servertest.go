// Package servertest starts whole servers for tests, in the test's process: both listeners on loopback, the engine, the
// scripts and a real database. Packages that are part of the server can use it only in their external test packages.
package servertest

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"math"
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

// AdminToken is the admin token of every [Server] whose configuration has no other one.
const AdminToken = "an-admin-token-for-tests-0123456789"

// A Server is a running server. It is closed when the test ends.
type Server struct {
	*app.App
	Public, Admin *httptest.Server
	Database      string // as in [app.Config]
	Log           *Buffer
}

// Options configure a [Server] beyond its [app.Config].
type Options struct {
	// Wrap returns the handler of a listener, "public" or "admin"; nil means h itself.
	Wrap func(listener string, h http.Handler) http.Handler
	// Unmanaged disables the management of registrations by clients.
	Unmanaged bool
}

// New starts a server that is closed when the test ends. The default is a new SQLite database and open registration.
// Scripts and requests have a timeout of a minute, so that no test fails on a slow machine. Requests count against a
// rate limit that they do not reach.
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
	if c.Server.RateLimit == 0 {
		c.Server.RateLimit, c.Server.RateBurst = 1e9, math.MaxInt32
	}
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

// A Buffer collects what is written to it. It is safe for concurrent use. The zero value is empty.
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

// String returns what has been written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
