package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"registrar/engine"
	"registrar/internal/discovery"
	"registrar/internal/fetch"
	"registrar/internal/keyset"
	"registrar/server"
)

// documentFlags are the documents of others that the server reads, and the one that it publishes.
type documentFlags struct {
	DiscoveryDocument        string   `placeholder:"FILE" help:"Metadata of the authorization server (RFC 8414), which is published with registration_endpoint set and bounds what may be registered. None unless given."`
	DiscoveryUpstream        string   `placeholder:"URL" help:"URL of such metadata, which is fetched every 5 minutes and merged with the document, whose members win; https unless loopback."`
	TrustedIssuer            []string `placeholder:"ISSUER=JWKS" help:"Issuers whose software statements are taken, each with its key set: a URL, https unless loopback, or a file. None unless given."`
	RequireSoftwareStatement bool     `help:"Refuse clients without a software statement of a trusted issuer."`
	AcceptJWTBodies          bool     `name:"accept-jwt-bodies" help:"Take a software statement as the whole body of a registration: application/jwt."`
	FetchJWKSURI             bool     `name:"fetch-jwks-uri" help:"Fetch the key set at a client's jwks_uri, and check it."`
	MetadataDocuments        bool     `help:"Resolve clients that are named by the URL of their metadata, for the authorization server, which asks the admin API."`
}

// outside is what the server has of others.
type outside struct {
	discovery *discovery.Source // nil where nothing is published
	issuers   keyset.Issuers
	clients   *fetch.Fetcher // of URLs that clients name
	flags     *documentFlags
	audiences []string // what a software statement may call this server
}

// outside reads what is configured, and asks the upstream once. An upstream that is away is no error: it is asked again.
func (f *serverFlags) outside(ctx context.Context, publicURL string, logger *slog.Logger) (*outside, error) {
	base := strings.TrimSuffix(publicURL, "/")
	o := &outside{flags: &f.documentFlags, clients: fetch.New(fetch.Config{Logger: logger}),
		audiences: []string{f.Issuer, publicURL, base + "/register"}}
	var err error
	if o.issuers, err = keyset.ParseIssuers(f.TrustedIssuer, keyset.Config{Logger: logger}); err != nil {
		return nil, fmt.Errorf("--trusted-issuer: %w", err)
	}
	if f.RequireSoftwareStatement && len(o.issuers) == 0 {
		return nil, errors.New("--require-software-statement: it needs a --trusted-issuer, or nobody could register")
	}
	if f.DiscoveryDocument == "" && f.DiscoveryUpstream == "" {
		return o, nil
	}
	config := discovery.Config{Issuer: f.Issuer, RegistrationEndpoint: base + "/register", MetadataDocuments: f.MetadataDocuments,
		Upstream: f.DiscoveryUpstream, Fetch: fetch.New(fetch.Config{AnyAddress: true, MaxBytes: maxUpstream, Logger: logger}).Fetch, Logger: logger}
	if f.DiscoveryDocument != "" {
		if config.Document, err = os.ReadFile(f.DiscoveryDocument); err != nil {
			return nil, fmt.Errorf("--discovery-document: %w", err)
		}
	}
	if f.DiscoveryUpstream != "" {
		if _, err := baseURL("--discovery-upstream", strings.SplitN(f.DiscoveryUpstream, "?", 2)[0]); err != nil {
			return nil, err
		}
	}
	if o.discovery, err = discovery.New(config); err != nil {
		return nil, fmt.Errorf("--discovery-document %s: %w", f.DiscoveryDocument, err)
	}
	switch err := o.discovery.Load(ctx); {
	case errors.Is(err, discovery.ErrInvalid):
		return nil, fmt.Errorf("--discovery-upstream: %w", err)
	case err != nil:
		logger.ErrorContext(ctx, "nobody can register until the discovery document is read", "error", err)
	}
	return o, nil
}

// maxUpstream bounds the metadata of the upstream, in bytes.
const maxUpstream = 1 << 20

// engine lets registrations see it.
func (o *outside) engine(c *engine.Config) {
	c.Fetch = o.clients.Fetch
	c.Options.FetchJWKSURI = o.flags.FetchJWKSURI
	c.Options.RequireSoftwareStatement = o.flags.RequireSoftwareStatement
	c.Options.StatementAudiences = o.audiences
	if len(o.issuers) > 0 {
		c.StatementKeys = o.issuers.StatementKeys
	}
	if o.discovery != nil {
		c.Advertised = o.discovery.Advertised
	}
}

// server lets the listeners publish it.
func (o *outside) server(c *server.Config) {
	c.AcceptJWTBodies = o.flags.AcceptJWTBodies
	if o.flags.MetadataDocuments {
		c.FetchDocument = o.clients.Fetch
	}
	if o.discovery != nil {
		c.Discovery = o.discovery.Document
	}
}

// ready returns why nobody can register, or nil.
func (o *outside) ready() error {
	if o.discovery == nil {
		return nil
	}
	_, err := o.discovery.Document()
	return err
}

// follow asks the upstream again and again, until ctx is done.
func (o *outside) follow(ctx context.Context) {
	if o.discovery != nil {
		o.discovery.Follow(ctx)
	}
}
