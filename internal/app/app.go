// Package app assembles a server: the database, the engine, the script host, the documents that it reads from
// elsewhere, and the two listeners. The parts are connected only here; the command line and the tests provide a
// [Config].
package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"registrar/engine"
	"registrar/internal/certs"
	"registrar/internal/discovery"
	"registrar/internal/guard"
	"registrar/internal/metrics"
	"registrar/internal/token"
	"registrar/internal/tracing"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/server"
	"registrar/store"
)

// Config describes a server. New sets the fields of Engine, Scripts and Server that their comments list. The other
// fields are documented by their packages.
type Config struct {
	Database   string         // as in [store.Config]
	DatabaseCA *x509.CertPool // as in [store.Config]
	Migrate    bool           // migrate the schema to the newest version; else New fails on an older one
	// StartupTimeout is how long New waits for a database that cannot be reached; 0 means that it does not wait.
	StartupTimeout time.Duration

	MaxModules     int   // as in [store.Config]
	MaxModulesSize int64 // likewise
	MaxDocuments   int   // likewise

	Listen      string          // HOST:PORT of the public listener; port 0 means any free port
	AdminListen string          // HOST:PORT of the admin listener; port 0 means any free port
	TLS         *certs.Reloader // of the public listener; nil means plain HTTP
	AdminTLS    *certs.Reloader // of the admin listener; nil means plain HTTP
	Hangup      <-chan func()   // each has the certificates be read again at once, and is called then; nil means none

	Engine     engine.Config     // New sets Store, Overrides, Refused and TokenIssuer; Advertised if Discovery is not nil
	Scripts    host.Config       // New sets the stores and Logger; Observer if nil
	Server     server.Config     // New sets the parts and Logger; Ready, Replay, Observer and Metrics if nil
	Discovery  *discovery.Source // nil means that no discovery document is published
	AdminToken string            // configured token; "" means that only tokens in the database are valid

	// Alive is called every half second while the App serves, with the result of Ready; nil means that it is not.
	Alive func(problem error)

	Tracing tracing.Config   // New sets Logger and Guard; the zero value means that nothing is traced
	Metrics *metrics.Metrics // nil means one of the App's own; it must not be used by another App
	Logger  *slog.Logger     // nil means slog.Default
	Guard   *guard.Guard     // catches panics; nil means one of the App's own
}

// An App is a server whose parts are connected. It is safe for concurrent use.
type App struct {
	Store   *store.Store
	Engine  *engine.Engine
	Scripts *host.Host
	Server  *server.Server

	config         Config
	heart          *heart
	seen           *seenClients
	administrators *token.Administrators
	tracer         *tracing.Tracer // nil means that nothing is traced

	address string // of the admin listener, for people; set by Serve
}

// New opens the database and connects the parts. It neither loads the scripts nor listens; see [App.Serve]. The caller
// must close the App.
func New(ctx context.Context, c Config) (*App, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Guard == nil {
		c.Guard = &guard.Guard{Logger: c.Logger}
	}
	if c.Metrics == nil {
		c.Metrics = metrics.New()
	}
	db, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &App{Store: db, config: c}
	if c.Tracing.Enabled() {
		c.Tracing.Logger, c.Tracing.Guard = c.Logger, c.Guard
		if a.tracer, err = tracing.New(ctx, c.Tracing); err != nil {
			return nil, errors.Join(err, a.Close(ctx))
		}
	}
	a.administrators = token.NewAdministrators(token.AdministratorsConfig{Tokens: db, Configured: c.AdminToken,
		Elsewhere: c.AdminsElsewhere()})
	a.seen = newSeenClients(db.MarkSeen, c.Logger, c.Guard)
	a.heart = &heart{store: db, log: c.Logger, describe: a.replica}
	if err := a.connect(ctx); err != nil {
		return nil, errors.Join(err, a.Close(ctx))
	}
	return a, nil
}

// connect creates the parts that use the database.
func (a *App) connect(ctx context.Context) error {
	observer := a.config.Metrics
	var err error
	if a.Scripts, err = a.newHost(ctx, observer); err != nil {
		return err
	}
	observer.Watch(a.Scripts)
	observer.WatchDatabase(a.Store)
	observer.WatchWrites(a.heart.age)
	observer.WatchCertificates(a.expiries())
	observer.WatchPanics(a.config.Guard)
	if a.Engine, err = a.newEngine(); err != nil {
		return err
	}
	a.Server, err = a.newServer(observer)
	return err
}

func (a *App) newHost(ctx context.Context, observer host.Observer) (*host.Host, error) {
	c := a.config.Scripts
	db := &boundedStore{a.Store, cmp.Or(a.config.Server.RequestTimeout, server.DefaultRequestTimeout)}
	c.Modules, c.Deployments, c.Shadows = db, db, db
	c.ClientExists = db.ClientExists
	c.CanaryKey = func(ctx context.Context) ([]byte, error) { return db.Key(ctx, "canary") }
	c.Signature = db.ModuleSignature
	c.RegistrationTimeout = a.config.Server.RequestTimeout
	c.Logger, c.Guard = a.config.Logger, a.config.Guard
	if c.Observer == nil {
		c.Observer = observer
	}
	if a.tracer != nil {
		c.Trace = a.tracer.Script
	}
	return host.New(ctx, c)
}

func (a *App) newEngine() (*engine.Engine, error) {
	c := a.config.Engine
	c.Store, c.Overrides = a.Store, a.Scripts.Overrides
	c.Refused = a.config.Metrics.Refused
	if a.tracer != nil {
		c.Overrides = a.tracer.Overrides(c.Overrides)
	}
	c.TokenIssuer = a.config.Server.AccessTokens.Trusts
	if a.config.Discovery != nil {
		c.Advertised = a.config.Discovery.Advertised
	}
	return engine.New(c)
}

func (a *App) newServer(observer *metrics.Metrics) (*server.Server, error) {
	c, db := a.config.Server, a.Store
	c.Engine, c.Scripts = a.Engine, a.Scripts
	c.Clients, c.Management, c.MarkSeen, c.NoteSeen = db, db, db.MarkSeen, a.seen.add
	c.Modules, c.Deployments, c.Shadows, c.Replicas = db, db, db, db.Replicas
	c.ConfigSchema = a.Scripts.ConfigSchema
	c.Documents, c.LoadedDeployment = db, a.Scripts.Current
	c.InitialAccessTokens, c.InitialAccessToken = db, db.InitialAccessToken
	c.Administrator, c.AdminTokens = a.administrators.Find, a.administrators
	c.Logger, c.Guard = a.config.Logger, a.config.Guard
	if a.config.Discovery != nil {
		c.Discovery = a.config.Discovery.Document
	}
	if a.tracer != nil {
		c.Trace = a.tracer.Request
	}
	if c.Ready == nil {
		c.Ready = a.Ready
	}
	if c.Replay == nil {
		c.Replay = a.replay
	}
	if c.Observer == nil {
		c.Observer, c.Metrics = observer, observer.Handler()
	}
	return server.New(c)
}

// FirstTokenIsSpare reports whether the admin token of the first start can be revoked; see [token.Spare].
func (a *App) FirstTokenIsSpare(ctx context.Context) (bool, error) {
	stored, err := a.Store.AdminTokens(ctx)
	return token.Spare(stored, a.config.AdminToken != "" || a.config.AdminsElsewhere(), time.Now()), err
}

// AdminsElsewhere reports whether a JWT or a client certificate may give the role admin.
func (c *Config) AdminsElsewhere() bool {
	for _, roles := range c.Server.AdminCertificates {
		if slices.Contains(roles, token.RoleAdmin) {
			return true
		}
	}
	return c.Server.AdminJWTs.Grant(token.RoleAdmin)
}

// replay is the server's Replay.
func (a *App) replay(
	ctx context.Context, list []scripts.Script, last int, progress func(done, of int),
) (scripts.Replay, error) {
	return a.Scripts.Replay(ctx, a.Engine, a.Store, list, last, progress)
}

// followInterval is the time between two look-ups of the deployment in force.
const followInterval = 500 * time.Millisecond

// Serve loads the deployment in force, opens both listeners, calls listening with their addresses, and serves until ctx
// is done. Then it drains, finishes the accepted requests and returns nil; see [server.Server.Serve]. A deployment that
// does not load is not an error: registrations fail as unavailable until one loads, and [App.Ready] returns the reason.
func (a *App) Serve(ctx context.Context, listening func(public, admin net.Addr)) error {
	if err := a.Scripts.Load(ctx); err != nil {
		a.config.Logger.ErrorContext(ctx, "loading the deployment in force", "error", err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx)) // also while the server drains
	defer a.heart.end(ctx)
	var followers sync.WaitGroup
	defer followers.Wait()
	defer stop()
	a.config.Guard.Follow(following, &followers, guard.Deployments, func(ctx context.Context) {
		a.Scripts.Follow(ctx, followInterval)
	})
	if a.config.Discovery != nil {
		a.config.Guard.Follow(following, &followers, guard.Discovery, a.config.Discovery.Follow)
	}
	a.followCertificates(following, &followers)
	public, err := listen(a.config.Listen, a.config.TLS)
	if err != nil {
		return fmt.Errorf("listening on the public address: %w", err)
	}
	admin, err := listen(a.config.AdminListen, a.config.AdminTLS)
	if err != nil {
		return errors.Join(fmt.Errorf("listening on the admin address: %w", err), public.Close())
	}
	a.address = address(admin.Addr())
	a.heart.begin(ctx)
	a.config.Guard.Follow(following, &followers, guard.Replicas, a.heart.follow)
	a.config.Guard.Follow(following, &followers, guard.Replicas, a.watchReadiness)
	a.config.Guard.Follow(following, &followers, guard.AdminTokens, func(ctx context.Context) {
		a.administrators.Follow(ctx, a.config.Logger)
	})
	a.config.Guard.Follow(following, &followers, guard.Documents, a.Server.FollowDocuments)
	listening(public.Addr(), admin.Addr())
	return a.Server.Serve(ctx, public, admin)
}

// NoDeployment is what [App.Deployment] returns before anything is deployed.
const NoDeployment = "none: the built-in steps"

// Deployment describes the deployment that registrations run through, for people to read.
func (a *App) Deployment(ctx context.Context) string {
	number, loaded := a.Scripts.Current()
	switch {
	case !loaded:
		return fmt.Sprintf("not loaded, so no client can register: %v", a.Scripts.Ready())
	case number == 0:
		return NoDeployment
	}
	d, err := a.Store.Deployment(ctx, number)
	if err != nil {
		return fmt.Sprint(number)
	}
	return fmt.Sprintf("%d: %s", number, scripts.Names(d.Scripts))
}

// Close marks the clients as seen that are waiting for it, exports the traces that are left, and closes the scripts and
// the database. No request may be running.
func (a *App) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if a.seen != nil {
		a.seen.close()
	}
	if a.tracer != nil {
		a.tracer.Close(ctx)
	}
	var err error
	if a.Scripts != nil {
		if err = a.Scripts.Close(ctx); err != nil {
			err = fmt.Errorf("closing the scripts: %w", err)
		}
	}
	return errors.Join(err, a.Store.Close())
}
