package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"registrar/internal/guard"
)

const (
	// grace is how long active requests may go on after the listeners are closed.
	grace = 20 * time.Second
	// lastWords is how long requests may take to answer after that, when their bodies and contexts have ended.
	lastWords = 2 * time.Second
)

// Draining reports whether the server is about to stop.
func (s *Server) Draining() bool { return s.draining.Load() }

// drain serves for Config.Drain, in which the server is not ready. It returns early, with the error of a listener that
// fails.
func (s *Server) drain(ctx context.Context, ended <-chan error) error {
	s.draining.Store(true)
	s.config.Logger.InfoContext(ctx, "stopping", "drain", s.config.Drain.String(), "requests_active", s.active.Load())
	timer := time.NewTimer(s.config.Drain)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case failure := <-ended:
		return failure
	}
}

// shutDown closes the listeners of both servers, and returns when no request is active. It ends those that are active
// after grace.
func (s *Server) shutDown(ctx context.Context, servers []*http.Server) {
	s.draining.Store(true)
	// Active requests do not end with ctx: their contexts do not derive from it.
	ctx = context.WithoutCancel(ctx)
	s.await(ctx, servers, grace)
	finished, cut := s.finished.Load(), s.active.Load()
	if cut > 0 {
		s.conns.end()
		s.await(ctx, servers, lastWords)
		for _, server := range servers {
			_ = server.Close() // the error is about the listeners, which are closed already
		}
	}
	s.config.Logger.InfoContext(ctx, "stopped", "requests_finished", finished, "requests_cut", cut)
}

// await shuts servers down at the same time, and returns when none has an active request, or after a time.
func (s *Server) await(ctx context.Context, servers []*http.Server, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var all sync.WaitGroup
	for _, server := range servers {
		s.config.Guard.GoIn(&all, guard.Listeners, func() { _ = server.Shutdown(ctx) })
	}
	all.Wait()
}

// counted returns a handler that counts the requests of h, for the log of a server that stops. While the server drains,
// each response asks the client to close the connection.
func (s *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.active.Add(1)
		defer s.ended(r)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

func (s *Server) ended(r *http.Request) {
	s.active.Add(-1)
	if !s.draining.Load() {
		return
	}
	switch r.URL.Path {
	case "/readyz", "/healthz", "/metrics": // those who watch the server
	default:
		s.finished.Add(1)
	}
}

// conns are the open connections.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// changed is a [http.Server.ConnState].
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.open == nil {
			c.open = map[net.Conn]struct{}{}
		}
		c.open[conn] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn)
	}
}

// end lets nothing more be read from the open connections. Requests whose bodies have not arrived get an error, and the
// contexts of the others end; their responses can be written.
func (c *conns) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed needs none
	}
}
