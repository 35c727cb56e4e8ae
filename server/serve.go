package server

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"registrar/internal/guard"
)

// Serve serves both listeners until ctx is done. Then [Server.Draining] returns true, and after Config.Drain both take
// no new connections. Serve finishes the active requests and returns nil. It ends those that are still active 20 s
// later, such as one whose body arrives slowly. It closes the listeners. Those of [crypto/tls.NewListener] may speak
// HTTP/2. If the admin listener listens on loopback, requests to it for another Host get 421. Serve returns an error if
// a listener fails.
func (s *Server) Serve(ctx context.Context, public, admin net.Listener) error {
	s.adminLoopback = isLoopback(admin.Addr())
	servers := []*http.Server{s.httpServer("public", s.public), s.httpServer("admin", s.admin)}
	servers[1].WriteTimeout = 3 * time.Minute // compiling an uploaded module may take a minute
	servers[1].RegisterOnShutdown(s.stop)
	ended := make(chan error, len(servers))
	serve := func(listen func() error) {
		s.config.Guard.Go(guard.Listeners, func() {
			var err error
			panicked := s.config.Guard.Run(guard.Listeners, func() { err = listen() })
			ended <- errors.Join(err, panicked)
		})
	}
	serve(func() error { return servers[0].Serve(public) })
	serve(func() error { return servers[1].Serve(admin) })
	var failure error
	select {
	case <-ctx.Done():
		failure = s.drain(ctx, ended)
	case failure = <-ended:
	}
	s.shutDown(ctx, servers)
	return failure
}

func (s *Server) httpServer(listener string, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.counted(h),
		ConnState:         s.conns.changed,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second, // enough for an upload of 8 MiB over a slow connection
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(connectionLog{s.config.Logger.With("listener", listener)}, "", 0),
	}
}

// A connectionLog logs what net/http reports of connections. The message is constant, so that a handler can bound how
// many lines clients cause.
type connectionLog struct{ logger *slog.Logger }

// Write implements [io.Writer] for a line.
func (l connectionLog) Write(line []byte) (int, error) {
	l.logger.Warn("connection failed", "error", strings.TrimSpace(string(line)))
	return len(line), nil
}
