package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"registrar/engine"
	"registrar/internal/metrics"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/server"
	"registrar/store"
)

// serveCommand runs the server.
type serveCommand struct{ serverFlags }

// Run serves until ctx is done, then finishes what was accepted.
func (c *serveCommand) Run(ctx context.Context, to *console) error {
	s, err := c.settings()
	if err != nil {
		return usageError{err}
	}
	logger, flush := c.gathering(to.err)
	defer flush()
	defer settleMemory(ctx, logger)()
	others, err := c.outside(ctx, s.publicURL, logger)
	if err != nil {
		return usageError{err}
	}
	db, err := store.Open(ctx, store.Config{Database: c.Database, Migrate: !c.NoMigrate, Logger: logger})
	if err != nil {
		return err
	}
	err = c.serve(ctx, s, others, db, logger, to)
	return errors.Join(err, db.Close())
}

// serve runs the server on an open database.
func (c *serveCommand) serve(ctx context.Context, s *settings, others *outside, db *store.Store, logger *slog.Logger, to *console) error {
	token := "configured"
	if s.token == "" {
		var err error
		if token, err = firstToken(ctx, db, tokenFolder(c.Database), time.Now()); err != nil {
			return err
		}
	}
	counted := metrics.New()
	s.scripts.Observer = counted
	h, err := newHost(ctx, s.scripts, db, logger)
	if err != nil {
		return err
	}
	counted.Watch(h)
	defer follow(ctx, h, logger)()
	web, err := c.server(s, others, db, h, counted, logger)
	if err != nil {
		return err
	}
	go others.follow(ctx)
	public, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on the public address: %w", err)
	}
	admin, err := net.Listen("tcp", c.AdminListen)
	if err != nil {
		return errors.Join(fmt.Errorf("listening on the admin address: %w", err), public.Close())
	}
	announce(ctx, announcement{
		public:     baseAddress(public.Addr(), s.tls != nil),
		admin:      baseAddress(admin.Addr(), false),
		exposed:    !admin.Addr().(*net.TCPAddr).IP.IsLoopback(),
		database:   db.Name(),
		deployment: describeDeployed(ctx, h, db),
		policy:     s.policy,
		token:      token,
	}, logger, to)
	return web.Serve(ctx, public, admin, s.tls)
}

// server wires the parts together.
func (c *serveCommand) server(s *settings, others *outside, db *store.Store, h *host.Host, counted *metrics.Metrics, logger *slog.Logger) (*server.Server, error) {
	registrations := engine.Config{Store: db, Options: s.options, Overrides: h.Overrides}
	others.engine(&registrations)
	e, err := engine.New(registrations)
	if err != nil {
		return nil, err
	}
	tokens, err := c.accessTokens(s.publicURL, logger)
	if err != nil {
		return nil, err
	}
	config := server.Config{
		Issuer:      c.Issuer,
		Engine:      e,
		Scripts:     h,
		Clients:     db,
		Management:  db,
		MarkSeen:    db.MarkSeen,
		Modules:     db,
		Deployments: db,
		Shadows:     db,
		Replay: func(ctx context.Context, list []scripts.Script, last int, progress func(done, of int)) (scripts.Replay, error) {
			return h.Replay(ctx, e, db, list, last, progress)
		},
		Ready: func(ctx context.Context) error {
			if err := db.Ping(ctx); err != nil {
				return err
			}
			return errors.Join(h.Ready(), others.ready())
		},
		AdminTokens:         adminTokens(s.token, db),
		Registration:        s.policy,
		RequestTimeout:      c.RequestTimeout,
		CORSOrigins:         s.origins,
		RateLimit:           c.RateLimit,
		TrustedProxies:      s.proxies,
		Logger:              logger,
		Observer:            counted,
		Metrics:             counted.Handler(),
		InitialAccessTokens: db,
		InitialAccessToken:  db.InitialAccessToken,
		AccessTokens:        tokens,
	}
	others.server(&config)
	return server.New(config)
}

// followInterval is how often the number of the deployment in force is looked up.
const followInterval = 500 * time.Millisecond

// newHost returns a script host on the database.
func newHost(ctx context.Context, config host.Config, db *store.Store, logger *slog.Logger) (*host.Host, error) {
	config.Modules, config.Deployments, config.ClientExists, config.Logger = db, db, db.ClientExists, logger
	config.Shadows = db
	config.CanaryKey = func(ctx context.Context) ([]byte, error) { return db.Key(ctx, "canary") }
	config.Signature = db.ModuleSignature
	return host.New(ctx, config)
}

// follow loads the deployment in force and follows until stop is called, which ends the scripts. A deployment that does
// not load is no error: no registration runs, the server says that it is not ready, and goes on as soon as one loads.
func follow(ctx context.Context, h *host.Host, logger *slog.Logger) (stop func()) {
	if err := h.Load(ctx); err != nil {
		logger.ErrorContext(ctx, "loading the deployment in force", "error", err)
	}
	following, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.Follow(following, followInterval)
	}()
	return func() {
		cancel()
		<-stopped
		if err := h.Close(context.WithoutCancel(ctx)); err != nil {
			logger.ErrorContext(ctx, "closing the scripts", "error", err)
		}
	}
}

const noDeployment = "none: the built-in steps"

// describeDeployed says in words what registrations run through.
func describeDeployed(ctx context.Context, h *host.Host, db *store.Store) string {
	number, loaded := h.Current()
	switch {
	case !loaded:
		return fmt.Sprintf("not loaded, so that nobody can register: %v", h.Ready())
	case number == 0:
		return noDeployment
	}
	d, err := db.Deployment(ctx, number)
	if err != nil {
		return fmt.Sprint(number)
	}
	return fmt.Sprintf("%d: %s", number, scriptNames(d.Scripts))
}
