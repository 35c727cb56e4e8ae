package cli

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/app"
	"registrar/internal/certs"
	"registrar/internal/duration"
	"registrar/internal/fetch"
	"registrar/internal/metrics"
	"registrar/internal/netrule"
)

// fetchFlags say how documents at URLs that clients name are fetched.
type fetchFlags struct {
	DocumentCache          documentCache `default:"5m..24h" placeholder:"MIN..MAX" help:"${document_cache}"`
	DocumentSize           byteSize      `default:"5KiB" placeholder:"SIZE" help:"${document_size}"`
	AllowLoopbackDocuments bool          `help:"${allow_loopback_documents}"`
	DocumentCA             string        `name:"document-ca" placeholder:"FILE" help:"${document_ca}"`
}

const (
	maxDocument    = 64 << 10             // bytes that --document-size may allow; the bound of all other documents
	maxDocumentAge = 365 * 24 * time.Hour // that --document-cache may allow
	keySetsKept    = 256                  // documents at a jwks_uri in memory
)

// A documentCache bounds how long a document is fresh.
type documentCache struct{ min, max time.Duration }

// UnmarshalText reads two durations, such as 5m..24h. The first may be 0.
func (c *documentCache) UnmarshalText(b []byte) error {
	least, most, found := strings.Cut(string(b), "..")
	if !found {
		return fmt.Errorf("%q is not a range of durations, such as 5m..24h", b)
	}
	low, err := duration.Parse(least)
	if err != nil {
		return err
	}
	high, err := duration.Parse(most)
	if err != nil {
		return err
	}
	c.min, c.max = time.Duration(low), time.Duration(high)
	switch {
	case c.min < 0 || c.min > c.max:
		return fmt.Errorf("%q: the first duration must be 0 or more, and not above the second", b)
	case c.max < time.Second || c.max > maxDocumentAge:
		return fmt.Errorf("%q: the second duration must be 1s to 365d", b)
	}
	return nil
}

// fetchers fetch what clients name, within one budget.
type fetchers struct {
	documents *fetch.Fetcher // metadata documents
	keys      *fetch.Cache   // other documents, of which key sets are kept
}

// fetchers checks the flags and returns what fetches documents of clients.
func (f *fetchFlags) fetchers(c *app.Config, publicURL string) (fetchers, error) {
	if f.AllowLoopbackDocuments && !onLoopback(publicURL) {
		return fetchers{}, fmt.Errorf("--allow-loopback-documents is for development, but clients reach this server "+
			"at %s: --public-url must be on loopback, such as http://localhost:8080", publicURL)
	}
	if f.DocumentSize > maxDocument {
		return fetchers{}, fmt.Errorf("--document-size %d: must be at most 64KiB", f.DocumentSize)
	}
	roots, err := f.roots()
	if err != nil {
		return fetchers{}, err
	}
	config := fetch.Config{AllowLoopback: f.AllowLoopbackDocuments, RootCAs: roots, MaxBytes: int64(f.DocumentSize),
		MinFresh: f.DocumentCache.min, MaxFresh: f.DocumentCache.max, Budget: fetch.NewBudget(fetch.Limits{}),
		Logger: c.Logger, Guard: c.Guard, Observe: c.Metrics.DocumentFetched(metrics.ByClient)}
	documents := fetch.New(config)
	config.MaxBytes = maxDocument
	keys := fetch.NewCache(fetch.CacheConfig{Get: fetch.New(config).Get, Valid: isKeySet, Size: keySetsKept})
	return fetchers{documents, keys}, nil
}

// isKeySet reports whether a document is kept. The list at a sector_identifier_uri is none, so it is fetched for each
// registration.
func isKeySet(document []byte) bool { return engine.CheckKeySet(document) == nil }

// roots returns the authorities that hosts of documents may have; nil means the system's.
func (f *fetchFlags) roots() (*x509.CertPool, error) {
	if f.DocumentCA == "" {
		return nil, nil
	}
	list, err := certs.ReadCertificates(f.DocumentCA)
	if err != nil {
		return nil, fmt.Errorf("--document-ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("--document-ca: reading the system's authorities: %w", err)
	}
	for _, authority := range list {
		pool.AddCert(authority)
	}
	return pool, nil
}

// onLoopback reports whether a URL is of this machine.
func onLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && netrule.IsLoopback(u.Hostname())
}

// warnings returns what is open by these flags, for check and the first log line.
func (f *fetchFlags) warnings() (list []warning) {
	if f.AllowLoopbackDocuments {
		list = append(list, warning{"--allow-loopback-documents",
			"is for development only: documents of clients may come from this machine"})
	}
	if f.DocumentCA != "" {
		list = append(list, warning{"--document-ca",
			f.DocumentCA + ": its authorities may vouch for the host of every document"})
	}
	return list
}

// A warning is what an operator should know of a flag.
type warning struct{ flag, text string }

// String returns the warning with its flag.
func (w warning) String() string { return w.flag + " " + w.text }
