package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"registrar/engine"
	"registrar/scripts"
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
	logger := c.logger(to.err)
	db, err := store.Open(ctx, store.Config{Database: c.Database, Migrate: !c.NoMigrate, Logger: logger})
	if err != nil {
		return err
	}
	err = c.serve(ctx, s, db, logger, to)
	return errors.Join(err, db.Close())
}

// serve runs the server on an open database.
func (c *serveCommand) serve(ctx context.Context, s *settings, db *store.Store, logger *slog.Logger, to *console) error {
	token := "configured"
	if s.token == "" {
		var err error
		if token, err = firstToken(ctx, db, tokenFolder(c.Database), time.Now()); err != nil {
			return err
		}
	}
	host, err := newHost(ctx, s.scripts, db, logger)
	if err != nil {
		return err
	}
	defer follow(ctx, host, logger)()
	web, err := c.server(s, db, host, logger)
	if err != nil {
		return err
	}
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
		deployment: describeDeployed(ctx, host, db),
		policy:     s.policy,
		token:      token,
	}, logger, to)
	return web.Serve(ctx, public, admin, s.tls)
}

// server wires the parts together.
func (c *serveCommand) server(s *settings, db *store.Store, host *scripts.Host, logger *slog.Logger) (*server.Server, error) {
	e, err := engine.New(engine.Config{Store: db, Options: s.options, Overrides: host.Overrides})
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Engine:      e,
		Scripts:     host,
		Clients:     db,
		Modules:     db,
		Deployments: db,
		Ready: func(ctx context.Context) error {
			if err := db.Ping(ctx); err != nil {
				return err
			}
			return host.Ready()
		},
		AdminTokens:    adminTokens(s.token, db),
		Registration:   s.policy,
		RequestTimeout: c.RequestTimeout,
		CORSOrigins:    s.origins,
		RateLimit:      c.RateLimit,
		TrustedProxies: s.proxies,
		Logger:         logger,
	})
}

// followInterval is how often the number of the deployment in force is looked up.
const followInterval = 500 * time.Millisecond

// newHost returns a script host on the database.
func newHost(ctx context.Context, config scripts.Config, db *store.Store, logger *slog.Logger) (*scripts.Host, error) {
	config.Modules, config.Deployments, config.ClientExists, config.Logger = db, db, db.ClientExists, logger
	return scripts.New(ctx, config)
}

// follow loads the deployment in force and follows until stop is called, which ends the scripts. A deployment that does
// not load is no error: no registration runs, the server says that it is not ready, and goes on as soon as one loads.
func follow(ctx context.Context, host *scripts.Host, logger *slog.Logger) (stop func()) {
	if err := host.Load(ctx); err != nil {
		logger.ErrorContext(ctx, "loading the deployment in force", "error", err)
	}
	following, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		host.Follow(following, followInterval)
	}()
	return func() {
		cancel()
		<-stopped
		if err := host.Close(context.WithoutCancel(ctx)); err != nil {
			logger.ErrorContext(ctx, "closing the scripts", "error", err)
		}
	}
}

const noDeployment = "none: the built-in steps"

// describeDeployed says in words what registrations run through.
func describeDeployed(ctx context.Context, host *scripts.Host, db *store.Store) string {
	number, loaded := host.Current()
	switch {
	case !loaded:
		return fmt.Sprintf("not loaded, so that nobody can register: %v", host.Ready())
	case number == 0:
		return noDeployment
	}
	d, err := db.Deployment(ctx, number)
	if err != nil {
		return fmt.Sprint(number)
	}
	return fmt.Sprintf("%d: %s", number, scriptNames(d.Scripts))
}
