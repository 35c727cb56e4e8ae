package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"registrar/internal/app"
	"registrar/internal/guard"
	"registrar/internal/sdnotify"
	"registrar/internal/token"
	"registrar/internal/version"
	"registrar/server"
)

// serveCommand runs the server.
type serveCommand struct{ serverFlags }

// Run serves until ctx is done, then finishes the requests that it accepted. SIGHUP has it read the certificates again.
func (c *serveCommand) Run(ctx context.Context, to *console, environment variables) error {
	if err := environment.refuse(); err != nil {
		return err
	}
	var panics guard.Guard
	logger, flush := app.BufferLog(to.err, c.handler, &panics)
	defer flush()
	panics.Logger = logger
	config, err := c.parse(logger, &panics)
	if err != nil {
		return usageError{err}
	}
	systemd := sdnotify.New(logger)
	config.Alive = systemd.Alive
	config.Hangup = hangups(ctx, systemd, &panics)
	logStart(ctx, logger, config.Server.Registration, c.fetchFlags.warnings())
	for _, name := range environment.unknown {
		logger.WarnContext(ctx, unknownVariable(name))
	}
	defer app.SettleMemory(ctx, logger, &panics)()
	if err := loadDiscovery(ctx, config.Discovery); isUsage(err) {
		return err
	} else if err != nil {
		logger.ErrorContext(ctx, "no client can register until the discovery document is read", "error", err)
	}
	if config.Discovery != nil {
		config.Discovery.LogWarnings(ctx)
	}
	panics.Go(guard.Client, func() {
		<-ctx.Done()
		systemd.Stopping()
	})
	a, err := app.New(ctx, config)
	if err != nil && ctx.Err() != nil {
		logger.InfoContext(ctx, "stopped before it served")
		return nil
	}
	if err != nil {
		return err
	}
	err = c.serve(ctx, a, config, systemd, logger, to)
	systemd.Stopping() // also where a listener failed
	return errors.Join(err, a.Close(ctx))
}

// hangups has the certificates be read again at each SIGHUP, and reports that to systemd. It takes the signal also
// where there are no certificates, since a hangup must not end the server.
func hangups(ctx context.Context, systemd *sdnotify.Notifier, g *guard.Guard) <-chan func() {
	signals, again := make(chan os.Signal, 1), make(chan func())
	signal.Notify(signals, syscall.SIGHUP)
	g.Go(guard.Client, func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			systemd.Reloading()
			select {
			case <-ctx.Done():
				return
			case again <- systemd.Reloaded:
			}
		}
	})
	return again
}

// logStart logs the first line, as a warning where there are warnings. It says what a proxy on this machine would mean,
// since the server cannot recognize every one.
func logStart(ctx context.Context, logger *slog.Logger, policy server.RegistrationPolicy, warnings []warning) {
	v, level := version.Get(), slog.LevelInfo
	attributes := []any{"version", v.Version, "commit", v.Commit, "go", v.Go}
	if policy == server.RegistrationLoopback {
		attributes = append(attributes, "registration", "open to this machine: "+localProxy)
	}
	for _, w := range warnings {
		level = slog.LevelWarn
		attributes = append(attributes, strings.ReplaceAll(strings.TrimPrefix(w.flag, "--"), "-", "_"), w.text)
	}
	logger.Log(ctx, level, "starting", attributes...)
}

// withoutToken is where the admin token is if the first start makes none.
const withoutToken = "not needed: administrators have JWTs or certificates"

// serve creates the admin token of a first start, then runs a, and announces it and reports it as ready.
func (c *serveCommand) serve(
	ctx context.Context, a *app.App, config app.Config, systemd *sdnotify.Notifier, logger *slog.Logger, to *console,
) error {
	where := "configured"
	switch {
	case config.AdminToken != "":
	case config.AdminsElsewhere():
		where = withoutToken
	default:
		var err error
		if where, err = token.First(ctx, a.Store, tokenFolder(c.Database), time.Now()); err != nil {
			return err
		}
	}
	if spare, err := a.FirstTokenIsSpare(ctx); err != nil {
		return err
	} else if spare {
		logger.WarnContext(ctx, token.SpareNote)
	}
	return a.Serve(ctx, func(public, admin net.Addr) {
		announce(ctx, announcement{
			public:     baseAddress(public, config.TLS != nil),
			admin:      baseAddress(admin, config.AdminTLS != nil),
			exposed:    config.AdminTLS == nil && !admin.(*net.TCPAddr).IP.IsLoopback(),
			database:   a.Store.Name(),
			deployment: a.Deployment(ctx),
			policy:     config.Server.Registration,
			token:      where,
			traces:     config.Tracing.Endpoint,
		}, logger, to)
		systemd.Alive(a.Ready(ctx)) // so that the first status is there when the start is over
		systemd.Ready()
	})
}
