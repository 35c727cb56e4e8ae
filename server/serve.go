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
)

// grace is how long a server that is told to stop goes on with what it accepted.
const grace = 30 * time.Second

// Serve serves both listeners until ctx is done, then finishes what it accepted and returns nil. It closes the listeners.
// With a TLS configuration the public one speaks TLS.
func (s *Server) Serve(ctx context.Context, public, admin net.Listener, tlsConfig *tls.Config) error {
	servers := []*http.Server{s.httpServer(s.public), s.httpServer(s.admin)}
	servers[1].WriteTimeout = 3 * time.Minute // compiling an uploaded module may take one
	servers[1].RegisterOnShutdown(s.stop)
	ended := make(chan error, len(servers))
	go func() {
		if servers[0].TLSConfig = tlsConfig; tlsConfig != nil {
			ended <- servers[0].ServeTLS(public, "", "")
			return
		}
		ended <- servers[0].Serve(public)
	}()
	go func() { ended <- servers[1].Serve(admin) }()
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
	}
	// The requests under way have contexts of their own, so the end of ctx does not cut them off.
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
		ReadTimeout:       30 * time.Second, // an upload of 8 MiB on a slow line
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
	}
}
