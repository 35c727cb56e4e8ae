package cli

import (
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

// parse checks the flags and returns the server that they describe. An error names the wrong flag. parse reads the
// files that flags name and contacts no server.
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
	if f.StartupTimeout < 0 {
		return c, fmt.Errorf("--startup-timeout %s: must be 0 or more", f.StartupTimeout)
	}
	if f.MaxModules < 1 {
		return c, fmt.Errorf("--max-modules %d: must be at least 1", f.MaxModules)
	}
	c.Engine.Options = f.options()
	if err := c.Engine.Options.Validate(); err != nil {
		return c, err
	}
	var err error
	if c.DatabaseCA, err = f.authorities(); err != nil {
		return c, err
	}
	if c.Scripts, err = f.host(); err != nil {
		return c, err
	}
	if c.Scripts.SigningKeys, err = f.keys(); err != nil {
		return c, err
	}
	if err := f.limits(&c.Server); err != nil {
		return c, err
	}
	publicURL, err := f.network(&c)
	if err != nil {
		return c, err
	}
	keys := keyset.Config{Logger: logger, Guard: g, Observe: c.Metrics.KeySetFetched}
	if c.Server.AccessTokens, err = f.accessTokens(publicURL, keys); err != nil {
		return c, err
	}
	if err := f.administratorFlags.configure(&c, f.AdminClientCA, keys); err != nil {
		return c, err
	}
	if c.AdminToken, err = f.configured(); err != nil {
		return c, err
	}
	if c.Tracing, err = f.tracing(); err != nil {
		return c, err
	}
	return c, f.documentFlags.configure(&c, f.Issuer, publicURL)
}

// limits checks the HTTP limits and stores them in c.
func (f *serverFlags) limits(c *server.Config) error {
	if f.RequestTimeout <= 0 {
		return fmt.Errorf("--request-timeout %s: must be above 0", f.RequestTimeout)
	}
	if f.RateLimit < 0 || math.IsNaN(f.RateLimit) || math.IsInf(f.RateLimit, 0) {
		return fmt.Errorf("--rate-limit %v: must be 0 or more", f.RateLimit)
	}
	c.RequestTimeout, c.RateLimit = time.Duration(f.RequestTimeout), f.RateLimit
	var err error
	if c.Drain, err = f.drain(); err != nil {
		return err
	}
	c.CORSOrigins, err = origins(f.CORSOrigin)
	return err
}

// network checks addresses and URLs, decides who may register, and returns the URL at which clients reach the server.
func (f *serverFlags) network(c *app.Config) (publicURL string, err error) {
	public, err := listenHost("--listen", f.Listen)
	if err != nil {
		return "", err
	}
	admin, err := listenHost("--admin-listen", f.AdminListen)
	if err != nil {
		return "", err
	}
	if err := checkDistinct(f.Listen, f.AdminListen); err != nil {
		return "", err
	}
	issuer, err := baseURL("--issuer", f.Issuer)
	if err != nil {
		return "", err
	}
	base := issuer
	if publicURL = f.Issuer; f.PublicURL != "" {
		publicURL = f.PublicURL
		if base, err = baseURL("--public-url", f.PublicURL); err != nil {
			return "", err
		}
	}
	for _, proxy := range f.TrustedProxy {
		c.Server.TrustedProxies = append(c.Server.TrustedProxies, proxy.Prefix)
	}
	c.Server.ForwardedHeader = f.ForwardedHeader
	if f.Management {
		c.Engine.Options.RegistrationEndpoint = registrationEndpoint(publicURL)
	}
	c.Engine.Options.RotateRegistrationToken = f.RotateRegistrationToken
	c.Server.Issuer = f.Issuer
	here := netrule.IsLoopback(public) && netrule.IsLoopback(issuer.Hostname()) &&
		netrule.IsLoopback(base.Hostname()) && len(f.TrustedProxy) == 0
	c.Server.Registration = policy(f.Registration, here)
	return publicURL, f.certificates(c, admin)
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
	host, err := listenHost("--listen", f.Listen)
	if err != nil || netrule.IsLoopback(host) {
		return 0, err
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
	sent := make([]string, len(list))
	for i, origin := range list {
		var err error
		if sent[i], err = engine.ReadOrigin(origin); err != nil {
			return nil, fmt.Errorf("--cors-origin %q %w", origin, err)
		}
	}
	return sent, nil
}
