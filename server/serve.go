package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"registrar/internal/guard"
)

// grace is how long a stopping server waits for active requests.
const grace = 30 * time.Second

// Serve serves both listeners until ctx is done, then finishes active requests and returns nil. It closes the
// listeners. The public one uses TLS if tlsConfig is not nil. Serve returns an error if a listener fails, or if
// requests are still active 30 s after ctx is done.
func (s *Server) Serve(ctx context.Context, public, admin net.Listener, tlsConfig *tls.Config) error {
	servers := []*http.Server{s.httpServer(s.public), s.httpServer(s.admin)}
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
	serve(func() error {
		if servers[0].TLSConfig = tlsConfig; tlsConfig != nil {
			return servers[0].ServeTLS(public, "", "")
		}
		return servers[0].Serve(public)
	})
	serve(func() error { return servers[1].Serve(admin) })
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
	}
	// Active requests do not end with ctx: their contexts do not derive from it.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(stop); err != nil {
			failure = errors.Join(failure, fmt.Errorf("shutting down: %w", err))
		}
	}
	return failure
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second, // enough for an upload of 8 MiB over a slow connection
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
	}
}
