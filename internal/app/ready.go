package app

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"registrar/internal/version"
	"registrar/scripts"
)

// Ready returns nil if clients can register, else the reasons, joined: the database takes no writes or has a schema
// that this program does not work with, the deployment in force is not loaded, or the discovery document has not been
// read. Once [App.Serve] listens, Ready does not wait for the database.
func (a *App) Ready(ctx context.Context) error {
	var database error
	if a.heart.hasBegun() {
		database = a.heart.problem()
	} else {
		database = a.Store.Ping(ctx)
	}
	return errors.Join(database, a.unready())
}

// unready returns why clients cannot register, the database aside.
func (a *App) unready() error {
	var unread error
	if a.config.Discovery != nil {
		_, unread = a.config.Discovery.Document()
	}
	return errors.Join(a.Scripts.Ready(), unread)
}

// replica describes this server to the others on its database.
func (a *App) replica() scripts.Replica {
	r := scripts.Replica{Version: version.Get().Version, Address: a.address}
	if number, loaded := a.Scripts.Current(); loaded {
		r.Deployment = &number
	}
	err := errors.Join(a.heart.unfit(), a.unready())
	if a.Server.Draining() {
		err = errors.Join(err, errors.New("about to stop"))
	}
	if err != nil {
		r.Problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return r
}

// address returns the address of a listener for people on other machines: with the name of this machine where it
// listens on all of its addresses.
func address(listener net.Addr) string {
	host, port, err := net.SplitHostPort(listener.String())
	if err != nil {
		return listener.String()
	}
	if name, err := os.Hostname(); err == nil && net.ParseIP(host).IsUnspecified() {
		host = name
	}
	return net.JoinHostPort(host, port)
}

// readinessInterval is the time between two looks at whether the server is ready.
const readinessInterval = 500 * time.Millisecond

// watchReadiness logs why the server is not ready, once for each reason, and when it is ready again. Each look is a
// sign that the server lives, also while the database does not answer: a restart would not mend that.
func (a *App) watchReadiness(ctx context.Context) {
	ticker := time.NewTicker(readinessInterval)
	defer ticker.Stop()
	last := ""
	for {
		now, problem := "", a.Ready(ctx)
		if problem != nil {
			now = problem.Error()
		}
		if a.config.Alive != nil {
			a.config.Alive(problem)
		}
		switch {
		case now == last:
		case now == "":
			a.config.Logger.InfoContext(ctx, "ready again")
		default:
			a.config.Logger.WarnContext(ctx, "not ready", "error", now)
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
