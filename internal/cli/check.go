package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"registrar/internal/app"
	"registrar/internal/certs"
	"registrar/internal/keyset"
	"registrar/internal/netrule"
	"registrar/internal/version"
	"registrar/server"
	"registrar/store"
)

// checkCommand reports what serve would do, and changes nothing.
type checkCommand struct {
	serverFlags
	outputFlags
}

// Run reports. It exits as serve would, and with exitFailed if serve would start, but clients could not do what is
// configured.
func (c *checkCommand) Run(ctx context.Context, to *console, environment variables) error {
	r := &checkReport{Findings: []finding{}}
	c.examine(ctx, r, environment)
	r.finish()
	if err := c.write(to.out, r, r.print); err != nil {
		return err
	}
	r.complain(to, c.Output == "text")
	return r.result()
}

// examine adds everything to r.
func (c *checkCommand) examine(ctx context.Context, r *checkReport, environment variables) {
	for _, m := range environment.misspelt {
		r.fail(codeVariable, m.name, usageError{m})
	}
	for _, name := range environment.unknown {
		r.add(severityWarning, codeVariable, name, "%s", unknownVariable(name))
	}
	config, err := c.parse(slog.New(slog.DiscardHandler), nil) // its errors are returned too
	if err != nil {
		for _, reason := range reasons(err) {
			r.fail(codeConfiguration, "", usageError{reason})
		}
		return
	}
	c.describe(r, config)
	c.locality(r, config)
	c.addresses(ctx, r)
	c.certificates(r, config)
	c.keys(ctx, r)
	c.discovery(ctx, r, config)
	c.database(ctx, r, config)
}

// unknownVariable says that an environment variable is not a flag.
func unknownVariable(name string) string {
	return fmt.Sprintf("the environment variable %s is unknown and is ignored", name)
}

// describe sets what the configuration says.
func (c *checkCommand) describe(r *checkReport, config app.Config) {
	r.Runs = &runs{Version: version.Get().Version, Listen: c.Listen, TLS: config.TLS != nil, AdminListen: c.AdminListen,
		AdminTLS: config.AdminTLS != nil, TLSUntil: expiry(config.TLS), AdminTLSUntil: expiry(config.AdminTLS),
		PublicURL: c.publicURL(), Issuer: c.Issuer, SchemaNeeded: store.LatestVersion,
		Discovery:         config.Discovery != nil,
		MetadataDocuments: c.MetadataDocuments, Traces: config.Tracing.Endpoint}
	r.OpenTo = &openTo{Registration: string(config.Server.Registration), Management: c.Management,
		Origins: config.Server.CORSOrigins, RateLimit: c.RateLimit, TokenIssuers: []string{}, Proxies: []string{},
		AdminIssuers: []string{}, AdminSubjects: []string{},
		Admin: "network", AdminCerts: c.AdminClientCA != ""}
	switch {
	case r.OpenTo.Origins != nil:
	case config.Server.Registration == server.RegistrationLoopback:
		r.OpenTo.Origins = []string{"loopback"}
	default:
		r.OpenTo.Origins = []string{"*"}
	}
	if sets, err := keyset.ParseIssuers(c.JWTIssuer, keyset.Config{}); err == nil {
		r.OpenTo.TokenIssuers = append(r.OpenTo.TokenIssuers, slices.Sorted(maps.Keys(sets))...)
	}
	for _, proxy := range c.TrustedProxy {
		r.OpenTo.Proxies = append(r.OpenTo.Proxies, proxy.String())
	}
	if host, err := listenHost("--admin-listen", c.AdminListen); err == nil && netrule.IsLoopback(host) {
		r.OpenTo.Admin = "loopback"
	}
	switch {
	case config.AdminToken != "":
		r.OpenTo.AdminToken = new("configured")
	case config.AdminsElsewhere():
		r.OpenTo.AdminToken = new(withoutToken)
	}
	for _, entry := range c.AdminIssuer {
		if sets, err := keyset.ParseIssuers([]string{entry}, keyset.Config{}); err == nil {
			r.OpenTo.AdminIssuers = slices.AppendSeq(r.OpenTo.AdminIssuers, maps.Keys(sets))
		}
	}
	r.OpenTo.AdminSubjects = slices.AppendSeq(r.OpenTo.AdminSubjects, maps.Keys(config.Server.AdminCertificates))
	slices.Sort(r.OpenTo.AdminSubjects)
}

// expiry returns when the certificate of a listener expires; nil means that it has none.
func expiry(listener *certs.Reloader) *time.Time {
	if listener == nil {
		return nil
	}
	return new(listener.NotAfter().UTC())
}

// publicURL returns the URL at which clients reach the server.
func (c *checkCommand) publicURL() string { return cmp.Or(c.PublicURL, c.Issuer) }

// locality adds what is open to others than the operator may mean.
func (c *checkCommand) locality(r *checkReport, config app.Config) {
	host, _ := listenHost("--listen", c.Listen) // parse has checked it
	here := netrule.IsLoopback(host)
	if r.OpenTo.Admin != "loopback" && c.AdminTLSCert == "" {
		r.add(severityWarning, codeAdminExposed, "--admin-insecure", "--admin-listen %s: the admin API %s",
			c.AdminListen,
			adminExposed)
	}
	if !here && c.TLSCert == "" && len(c.TrustedProxy) == 0 {
		r.add(severityWarning, codePlainHTTP, "--listen", "--listen %s: it serves plain HTTP beyond this machine: set "+
			"--tls-cert and --tls-key, or name the proxy that does with --trusted-proxy", c.Listen)
	}
	switch config.Server.Registration {
	case server.RegistrationOpen:
		r.add(severityWarning, codeRegistrationOpen, "--registration",
			"--registration open: everyone who reaches %s may "+
				"register, also by a web page that a person opens", c.Listen)
	case server.RegistrationLoopback:
		r.add(severityNote, codeLocalProxy, "--registration", "registration is open to this machine: %s", localProxy)
		for _, origin := range config.Server.CORSOrigins {
			if !netrule.IsLoopbackOrigin(origin) {
				r.add(severityWarning, codeCORSOrigin, "--cors-origin",
					"--cors-origin %s: its pages cannot register without a "+
						"token while registration is open to this machine only", origin)
			}
		}
	}
	for _, w := range c.fetchFlags.warnings() {
		r.add(severityWarning, codeDocuments, w.flag, "%s", w)
	}
	if c.RateLimit == 0 {
		r.add(severityWarning, codeRateLimit, "--rate-limit",
			"--rate-limit 0: one caller can register clients without a limit")
	}
}

// keys reads the keys of the issuers that are trusted.
func (c *checkCommand) keys(ctx context.Context, r *checkReport) {
	for _, trusted := range []struct {
		flag, what string
		list       []string
	}{
		{"--jwt-issuer", "access tokens", c.JWTIssuer},
		{"--trusted-issuer", "software statements", c.TrustedIssuer},
		{"--admin-issuer", "JWTs of administrators", c.AdminIssuer},
	} {
		sets, err := keyset.ParseIssuers(trusted.list, keyset.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			continue // parse has returned it, unless a file was changed since
		}
		for _, issuer := range slices.Sorted(maps.Keys(sets)) {
			if err := sets[issuer].Load(ctx); err != nil {
				r.add(severityError, codeKeys, trusted.flag, "%s %s=%s: the keys cannot be read, so none of the %s of "+
					"this issuer would be accepted: %v", trusted.flag, issuer, sets[issuer].Source(), trusted.what, err)
			}
		}
	}
}

// discovery loads the discovery document, and adds what in it keeps clients away.
func (c *checkCommand) discovery(ctx context.Context, r *checkReport, config app.Config) {
	source := config.Discovery
	if err := loadDiscovery(ctx, source); isUsage(err) {
		r.fail(codeDiscovery, "--discovery-upstream", err)
		return
	} else if err != nil {
		r.fail(codeDiscovery, "--discovery-upstream",
			fmt.Errorf("--discovery-upstream %s: no client could register: %w",
				c.DiscoveryUpstream, err))
		return
	}
	if source == nil {
		return
	}
	for _, warning := range source.Warnings() {
		r.add(severityWarning, codeDiscovery, "--discovery-document", "discovery document: %s", warning)
	}
	if !c.MetadataDocuments {
		return
	}
	advertised, err := source.Advertised()
	if err != nil {
		r.fail(codeDiscovery, "--discovery-document", err)
		return
	}
	const member = "token_endpoint_auth_methods_supported"
	methods, listed := advertised[member]
	switch {
	case slices.Contains(methods, "none"):
	case listed && !slices.ContainsFunc(methods, withoutSecret):
		r.add(severityError, codeMetadataDocuments, "--metadata-documents",
			"--metadata-documents: the discovery document "+
				"lists neither none nor private_key_jwt in %s, so no client could be a metadata document", member)
	default: // RFC 8414 §2: left out, it means client_secret_basic
		r.add(severityWarning, codeMetadataDocuments, "--metadata-documents",
			"--metadata-documents: the discovery document "+
				"does not list none in %s, so clients whose ID is a URL, which have no secret, turn away", member)
	}
}

// withoutSecret reports whether a client authenticates by a method without a secret that it shares with the server.
func withoutSecret(method string) bool {
	switch method {
	case "none", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth":
		return true
	}
	return false
}
