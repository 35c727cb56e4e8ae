package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/app"
	"registrar/internal/discovery"
	"registrar/internal/duration"
	"registrar/internal/fetch"
	"registrar/internal/keyset"
	"registrar/internal/metrics"
	"registrar/server"
)

// documentFlags name the documents that the server reads from elsewhere, and the one that it publishes.
type documentFlags struct {
	DiscoveryDocument        string   `placeholder:"FILE" help:"${discovery_document}"`
	DiscoveryUpstream        string   `placeholder:"URL" help:"${discovery_upstream}"`
	TrustedIssuer            []string `placeholder:"ISSUER=JWKS" help:"${trusted_issuer}"`
	RequireSoftwareStatement bool     `help:"Refuse clients without a software statement of a trusted issuer."`
	AcceptJWTBodies          bool     `name:"accept-jwt-bodies" help:"${accept_jwt_bodies}"`
	FetchJWKSURI             bool     `name:"fetch-jwks-uri" help:"Fetch and check the keys at a client's jwks_uri."`
	MetadataDocuments        bool     `help:"${metadata_documents}"`
	MaxDocuments             int      `default:"100000" placeholder:"NUMBER" help:"${max_documents}"`

	DocumentRequire []string `placeholder:"MEMBER" help:"${document_require}"`

	DocumentStale duration.Duration `default:"0" placeholder:"DURATION" help:"${document_stale}"`
	fetchFlags    `group:"External documents:"`
}

// configure reads the files that the flags name and sets the fields of c that use documents,
// but for Discovery.
func (f *documentFlags) configure(c *app.Config, issuer, publicURL string) error {
	issuers, err := keyset.ParseIssuers(f.TrustedIssuer, keyset.Config{Logger: c.Logger, Guard: c.Guard,
		Observe: c.Metrics.KeySetFetched})
	if err != nil {
		return fmt.Errorf("--trusted-issuer: %w", err)
	}
	if f.RequireSoftwareStatement && len(issuers) == 0 {
		return errors.New("--require-software-statement needs a --trusted-issuer, or no client could register")
	}
	if f.MaxDocuments < 1 {
		return fmt.Errorf("--max-documents %d: must be at least 1", f.MaxDocuments)
	}
	if f.DocumentStale < 0 || time.Duration(f.DocumentStale) > maxDocumentAge {
		return fmt.Errorf("--document-stale %s: must be 0 to 365d", f.DocumentStale)
	}
	if !f.MetadataDocuments && (f.DocumentStale > 0 || f.DocumentRequire != nil) {
		return errors.New("--document-stale and --document-require need --metadata-documents")
	}
	c.MaxDocuments = f.MaxDocuments
	clients, err := f.fetchers(c, publicURL)
	if err != nil {
		return err
	}
	f.configureEngine(&c.Engine, issuers, clients, []string{issuer, publicURL, registrationEndpoint(publicURL)})
	f.configureServer(&c.Server, clients)
	return nil
}

// configureEngine sets the fields of c that use documents. A software statement may have any of the audiences.
func (f *documentFlags) configureEngine(
	c *engine.Config, issuers keyset.Issuers, clients fetchers, audiences []string,
) {
	c.Fetch = unavailable(clients.keys.Fetch)
	c.Options.FetchJWKSURI = f.FetchJWKSURI
	c.Options.DocumentMembers = f.DocumentRequire
	c.Options.RequireSoftwareStatement = f.RequireSoftwareStatement
	c.Options.StatementAudiences = audiences
	if len(issuers) > 0 {
		c.StatementKeys = issuers.StatementKeys
	}
}

// configureServer sets which documents the server accepts.
func (f *documentFlags) configureServer(c *server.Config, clients fetchers) {
	c.AcceptJWTBodies = f.AcceptJWTBodies
	if f.MetadataDocuments {
		c.DocumentStale = time.Duration(f.DocumentStale)
		c.FetchDocument, c.FetchKeys = clients.documents.Get, clients.keys.Get
	}
}

// unavailable returns fetch with the errors that the engine knows: what is not the client's fault, such as a budget
// that is spent, is [engine.ErrUnavailable].
func unavailable(get fetchFunc) fetchFunc {
	return func(ctx context.Context, url string) ([]byte, error) {
		document, err := get(ctx, url)
		failed, ok := errors.AsType[*fetch.Error](err)
		if err != nil && ctx.Err() == nil && (!ok || failed.RetryAfter > 0) {
			return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
		}
		return document, err
	}
}

// A fetchFunc returns the document at a URL.
type fetchFunc = func(ctx context.Context, url string) ([]byte, error)

// maxUpstream bounds the upstream's metadata, in bytes.
const maxUpstream = 1 << 20

// source returns the discovery document, nil if none is published. It does not fetch the upstream's metadata.
func (f *documentFlags) source(issuer, endpoint string, a *app.Config) (*discovery.Source, error) {
	if f.DiscoveryDocument == "" && f.DiscoveryUpstream == "" {
		return nil, nil
	}
	upstream := fetch.New(fetch.Config{AllowPrivate: true, MaxBytes: maxUpstream, Logger: a.Logger,
		Observe: a.Metrics.DocumentFetched(metrics.ByOperator)})
	c := discovery.Config{Issuer: issuer, RegistrationEndpoint: endpoint, MetadataDocuments: f.MetadataDocuments,
		Upstream: f.DiscoveryUpstream, Fetch: upstream.Fetch, Logger: a.Logger}
	var err error
	if f.DiscoveryDocument != "" {
		if c.Document, err = os.ReadFile(f.DiscoveryDocument); err != nil {
			return nil, fmt.Errorf("--discovery-document: %w", err)
		}
	}
	if f.DiscoveryUpstream != "" {
		if _, err := baseURL("--discovery-upstream", strings.SplitN(f.DiscoveryUpstream, "?", 2)[0]); err != nil {
			return nil, err
		}
	}
	source, err := discovery.New(c)
	if err != nil {
		return nil, fmt.Errorf("--discovery-document %s: %w", f.DiscoveryDocument, err)
	}
	return source, nil
}

// loadDiscovery fetches the upstream's metadata, if there is an upstream. The error is a [usageError] if the metadata
// cannot be published. After any other error the upstream is unavailable, and [discovery.Source.Follow] tries again.
func loadDiscovery(ctx context.Context, source *discovery.Source) error {
	if source == nil {
		return nil
	}
	err := source.Load(ctx)
	if errors.Is(err, discovery.ErrInvalid) {
		return usageError{fmt.Errorf("--discovery-upstream: %w", err)}
	}
	return err
}
