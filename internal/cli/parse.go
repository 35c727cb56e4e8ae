package cli

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/app"
	"registrar/internal/guard"
	"registrar/internal/keyset"
	"registrar/internal/metrics"
	"registrar/internal/netrule"
	"registrar/server"
)

// parse checks the flags and returns the server that they describe. The error joins every reason why they are not valid
// (see reasons), each of which names the wrong flag. parse reads the files that flags name and contacts no server.
func (f *serverFlags) parse(logger *slog.Logger, g *guard.Guard) (app.Config, error) {
	c := app.Config{
		Database:       f.Database,
		Migrate:        !f.NoMigrate,
		StartupTimeout: time.Duration(f.StartupTimeout),
		MaxModules:     f.MaxModules,
		MaxModulesSize: int64(f.MaxModulesSize),
		Listen:         f.Listen,
		AdminListen:    f.AdminListen,
		Logger:         logger,
		Guard:          g,
		Metrics:        metrics.New(),
	}
	var invalid []error
	note := func(err error) { invalid = append(invalid, err) } // nil is no reason
	if f.StartupTimeout < 0 {
		note(fmt.Errorf("--startup-timeout %s: must be 0 or more", f.StartupTimeout))
	}
	if f.MaxModules < 1 {
		note(fmt.Errorf("--max-modules %d: must be at least 1", f.MaxModules))
	}
	c.Engine.Options = f.options()
	note(c.Engine.Options.Validate())
	var err error
	c.DatabaseCA, err = f.authorities()
	note(err)
	c.Scripts, err = f.host()
	note(err)
	c.Scripts.SigningKeys, err = f.keys()
	note(err)
	note(f.limits(&c.Server))
	unreachable := f.network(&c)
	note(unreachable)
	publicURL := cmp.Or(f.PublicURL, f.Issuer)
	keys := keyset.Config{Logger: logger, Guard: g, Observe: c.Metrics.KeySetFetched}
	c.Server.AccessTokens, err = f.accessTokens(publicURL, keys)
	note(err)
	note(f.administratorFlags.configure(&c, f.AdminClientCA, keys))
	c.AdminToken, err = f.configured()
	note(err)
	c.Tracing, err = f.tracing()
	note(err)
	note(f.documentFlags.configure(&c, f.Issuer, publicURL))
	if unreachable == nil { // else the discovery document would be compared with addresses that are not valid
		c.Discovery, err = f.source(f.Issuer, registrationEndpoint(publicURL), &c)
		note(err)
	}
	return c, errors.Join(invalid...)
}

// reasons returns the errors that [errors.Join] joined to err, those that were joined to them among them.
func reasons(err error) (list []error) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	joined := errors.Join(several.Unwrap()...)
	if joined == nil || joined.Error() != err.Error() { // fmt.Errorf wraps several errors in a text of its own
		return []error{err}
	}
	for _, err := range several.Unwrap() {
		list = append(list, reasons(err)...)
	}
	return list
}

// limits checks the HTTP limits and stores them in c.
func (f *serverFlags) limits(c *server.Config) error {
	var invalid []error
	if f.RequestTimeout <= 0 {
		invalid = append(invalid, fmt.Errorf("--request-timeout %s: must be above 0", f.RequestTimeout))
	}
	if f.RateLimit < 0 || math.IsNaN(f.RateLimit) || math.IsInf(f.RateLimit, 0) {
		invalid = append(invalid, fmt.Errorf("--rate-limit %v: must be 0 or more", f.RateLimit))
	}
	c.RequestTimeout, c.RateLimit = time.Duration(f.RequestTimeout), f.RateLimit
	var badDrain, badOrigin error
	c.Drain, badDrain = f.drain()
	c.CORSOrigins, badOrigin = origins(f.CORSOrigin)
	return errors.Join(append(invalid, badDrain, badOrigin)...)
}

// network checks addresses, URLs and certificates, and decides who may register.
func (f *serverFlags) network(c *app.Config) error {
	public, badListen := listenHost("--listen", f.Listen)
	admin, badAdmin := listenHost("--admin-listen", f.AdminListen)
	invalid := []error{badListen, badAdmin}
	if badListen == nil && badAdmin == nil {
		invalid = append(invalid, checkDistinct(f.Listen, f.AdminListen))
	}
	issuer, err := baseURL("--issuer", f.Issuer)
	invalid = append(invalid, err)
	base := issuer
	if f.PublicURL != "" {
		base, err = baseURL("--public-url", f.PublicURL)
		invalid = append(invalid, err)
	}
	for _, proxy := range f.TrustedProxy {
		c.Server.TrustedProxies = append(c.Server.TrustedProxies, proxy.Prefix)
	}
	c.Server.ForwardedHeader = f.ForwardedHeader
	if f.Management {
		c.Engine.Options.RegistrationEndpoint = registrationEndpoint(cmp.Or(f.PublicURL, f.Issuer))
	}
	c.Engine.Options.RotateRegistrationToken = f.RotateRegistrationToken
	c.Server.Issuer = f.Issuer
	here := issuer != nil && base != nil && netrule.IsLoopback(public) && netrule.IsLoopback(issuer.Hostname()) &&
		netrule.IsLoopback(base.Hostname()) && len(f.TrustedProxy) == 0
	c.Server.Registration = policy(f.Registration, here)
	if badAdmin == nil {
		invalid = append(invalid, f.exposed(admin, f.AdminListen))
	}
	return errors.Join(append(invalid, f.certificates(c))...)
}

// defaultDrain is how long a server that other machines reach drains: load balancers ask every few seconds whether it
// is ready.
const defaultDrain = 5 * time.Second

// drain returns how long the server drains.
func (f *serverFlags) drain() (time.Duration, error) {
	if f.Drain != nil {
		if *f.Drain < 0 {
			return 0, fmt.Errorf("--drain %s: must be 0 or more", f.Drain)
		}
		return time.Duration(*f.Drain), nil
	}
	if host, err := listenHost("--listen", f.Listen); err != nil || netrule.IsLoopback(host) {
		return 0, nil // network returns the error
	}
	return defaultDrain, nil
}

// registrationEndpoint returns the URL at which clients register.
func registrationEndpoint(publicURL string) string {
	return strings.TrimSuffix(publicURL, "/") + "/register"
}

// policy returns who may register. The default is open to this machine if only this machine reaches the server (here),
// else token.
func policy(registration *string, here bool) server.RegistrationPolicy {
	switch {
	case registration != nil && *registration == "open":
		return server.RegistrationOpen
	case registration == nil && here:
		return server.RegistrationLoopback
	}
	return server.RegistrationToken
}

// baseURL parses a URL that others are built on. RFC 8414 §2: an issuer is https and has no query and no fragment. http
// is allowed on loopback, where no one can eavesdrop.
func baseURL(flag, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: must be a URL such as https://auth.example", flag)
	case u.User != nil:
		return nil, fmt.Errorf("%s: must not contain a user or a password", flag)
	case strings.ContainsAny(raw, "?#"):
		return nil, fmt.Errorf("%s %s: must have no query and no fragment", flag, raw)
	case u.Scheme == "http" && !netrule.IsLoopback(u.Hostname()):
		return nil, fmt.Errorf("%s %s: must be https unless its host is loopback", flag, raw)
	}
	return u, nil
}

// origins returns the origins that browsers may register from, as browsers send them; nil means all.
func origins(list []string) ([]string, error) {
	if slices.Contains(list, "*") {
		return nil, nil
	}
	if len(list) == 0 {
		return nil, errors.New("--cors-origin: name at least one origin, or * for all")
	}
	sent, invalid := make([]string, len(list)), []error{}
	for i, origin := range list {
		var err error
		if sent[i], err = engine.ReadOrigin(origin); err != nil {
			invalid = append(invalid, fmt.Errorf("--cors-origin %q %w", origin, err))
		}
	}
	return sent, errors.Join(invalid...)
}
