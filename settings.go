package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"registrar/engine"
	"registrar/scripts/host"
	"registrar/server"
)

// settings are serverFlags that were checked, in the form in which the parts of a server take them.
type settings struct {
	options   engine.Options
	scripts   host.Config // without a store
	policy    server.RegistrationPolicy
	publicURL string
	origins   []string // nil means every origin
	proxies   []netip.Prefix
	tls       *tls.Config // nil means plain HTTP
	token     string      // that the operator configured; "" means none
}

// settings checks the flags. An error names the one that is wrong.
func (f *serverFlags) settings() (*settings, error) {
	s := &settings{options: f.options()}
	// The engine knows what its options may be.
	if _, err := engine.New(engine.Config{Options: s.options}); err != nil {
		return nil, err
	}
	var err error
	if s.scripts, err = f.host(); err != nil {
		return nil, err
	}
	if s.scripts.SigningKeys, err = f.keys(); err != nil {
		return nil, err
	}
	if f.RequestTimeout <= 0 {
		return nil, fmt.Errorf("--request-timeout %s: it must be above 0", f.RequestTimeout)
	}
	if f.RateLimit < 0 || math.IsNaN(f.RateLimit) || math.IsInf(f.RateLimit, 0) {
		return nil, fmt.Errorf("--rate-limit %v: it must be a number from 0", f.RateLimit)
	}
	if s.origins, err = origins(f.CORSOrigin); err != nil {
		return nil, err
	}
	if err := f.network(s); err != nil {
		return nil, err
	}
	// What would be logged is for the server that runs.
	if _, err := f.accessTokens(s.publicURL, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	s.token, err = f.configured()
	return s, err
}

// network checks addresses and URLs, and decides who may register.
func (f *serverFlags) network(s *settings) error {
	public, err := listenHost("--listen", f.Listen)
	if err != nil {
		return err
	}
	if _, err := listenHost("--admin-listen", f.AdminListen); err != nil {
		return err
	}
	issuer, err := baseURL("--issuer", f.Issuer)
	if err != nil {
		return err
	}
	base := issuer
	if s.publicURL = f.Issuer; f.PublicURL != "" {
		s.publicURL = f.PublicURL
		if base, err = baseURL("--public-url", f.PublicURL); err != nil {
			return err
		}
	}
	for _, proxy := range f.TrustedProxy {
		s.proxies = append(s.proxies, proxy.Prefix)
	}
	if f.Management {
		s.options.RegistrationEndpoint = strings.TrimSuffix(s.publicURL, "/") + "/register"
	}
	s.options.RotateRegistrationToken = f.RotateRegistrationToken
	here := loopback(public) && loopback(issuer.Hostname()) && loopback(base.Hostname()) && len(s.proxies) == 0
	s.policy = policy(f.Registration, here)
	s.tls, err = f.tlsConfig()
	return err
}

// policy returns who may register. Unless the operator says it, a server that only this machine reaches is open to this
// machine.
func policy(registration *string, here bool) server.RegistrationPolicy {
	switch {
	case registration != nil && *registration == "open":
		return server.RegistrationOpen
	case registration == nil && here:
		return server.RegistrationLoopback
	}
	return server.RegistrationToken
}

// listenHost returns the host of an address to listen on; "" stands for all.
func listenHost(flag, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: it must be HOST:PORT, such as 127.0.0.1:8080, or :8080 for every address", flag, address)
	}
	return host, nil
}

// loopback reports whether a host is this machine as it calls itself.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// baseURL reads a URL that others are built on. RFC 8414 §2: an issuer is https and has no query and no fragment. We let
// it be http on loopback, where nobody listens in.
func baseURL(flag, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: it must be a URL such as https://auth.example", flag)
	case u.User != nil:
		return nil, fmt.Errorf("%s: it must not hold a user or a password", flag)
	case strings.ContainsAny(raw, "?#"):
		return nil, fmt.Errorf("%s %s: it must have no query and no fragment", flag, raw)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s %s: it must be https unless its host is loopback", flag, raw)
	}
	return u, nil
}

// origins checks what browsers may register from.
func origins(list []string) ([]string, error) {
	if slices.Contains(list, "*") {
		return nil, nil
	}
	if len(list) == 0 {
		return nil, errors.New("--cors-origin: name at least one origin, or * for every one")
	}
	for _, origin := range list {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return nil, fmt.Errorf("--cors-origin %q: an origin is a scheme, a host and perhaps a port, such as https://app.example", origin)
		}
	}
	return list, nil
}

func (f *listenFlags) tlsConfig() (*tls.Config, error) {
	if f.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}
