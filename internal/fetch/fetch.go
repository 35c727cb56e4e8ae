// Package fetch gets JSON documents from URLs that clients name, and from URLs that the operator configured. It fetches
// only by https and, for clients, only from public addresses. The address is checked when the connection is made, so
// that DNS rebinding does not help. Redirects are not followed, proxies of the environment are not used, and size and
// time are bounded. See [Fetcher.Fetch].
package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"registrar/internal/netrule"
)

// Config configures a Fetcher.
type Config struct {
	// AllowPrivate allows private addresses, and http to loopback hosts. It is for URLs that the operator configured,
	// never for those that clients name.
	AllowPrivate  bool
	RootCAs       *x509.CertPool // nil means the system's
	Resolver      *net.Resolver  // nil means the system's
	Timeout       time.Duration  // of a fetch, from the look-up of the host to the last byte; 0 means 3 s
	MaxBytes      int64          // of a document; 0 means 64 KiB
	MaxConcurrent int            // fetches at the same time, others wait; 0 means 32
	Logger        *slog.Logger   // for causes that an [Error] does not show; nil means slog.Default
	// Observe is called after each fetch, with its outcome, one of the constants below, and its time; nil means that
	// nothing is called.
	Observe func(outcome string, took time.Duration)
}

// The outcomes of a fetch.
const (
	OutcomeFetched     = "fetched"
	OutcomeCanceled    = "canceled"    // the caller's context ended
	OutcomeURL         = "url"         // the URL is not allowed: it is not https, say
	OutcomeAddress     = "address"     // the host has no address, or none that is allowed
	OutcomeUnreachable = "unreachable" // the connection failed or broke
	OutcomeCertificate = "certificate" // the host's certificate is not valid
	OutcomeTimeout     = "timeout"
	OutcomeRedirect    = "redirect"
	OutcomeStatus      = "status" // the status is not 200
	OutcomeType        = "type"   // the Content-Type is not JSON
	OutcomeTooLarge    = "too_large"
)

// A Fetcher fetches documents. It is safe for concurrent use.
type Fetcher struct {
	config Config
	client *http.Client
	slots  chan struct{} // one element per running fetch
}

// New returns a Fetcher.
func New(c Config) *Fetcher {
	c.Timeout = cmp.Or(c.Timeout, 3*time.Second)
	c.MaxBytes = cmp.Or(c.MaxBytes, 64<<10)
	c.MaxConcurrent = cmp.Or(c.MaxConcurrent, 32)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	dialer := &net.Dialer{Resolver: c.Resolver}
	if !c.AllowPrivate {
		dialer.Control = ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(cloudHost())).Safe
	}
	return &Fetcher{config: c, slots: make(chan struct{}, c.MaxConcurrent), client: &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // each fetch checks the address of its own connection
			DisableCompression:     true, // so that MaxBytes bounds what is read
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// cloudHost returns the public address of a service that is internal to virtual machines of Azure.
func cloudHost() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{168, 63, 129, 16}), 32)
}

// An Error is the reason why a document was not fetched, for the client that named the URL. It does not distinguish a
// host that does not exist from one that is private.
type Error struct {
	Reason  string
	Outcome string // one of the constants above
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }

// Fetch returns the JSON document at a URL. If it fails it returns an *[Error], or the context's error if ctx is done.
// If ctx ends before the timeout, the timeout is three quarters of the time left, so that the caller has time to
// respond.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) ([]byte, error) {
	if f.config.Observe == nil {
		return f.fetch(ctx, rawURL)
	}
	began := time.Now()
	document, err := f.fetch(ctx, rawURL)
	f.config.Observe(outcomeOf(err), time.Since(began))
	return document, err
}

// outcomeOf returns the outcome of a fetch that returned err.
func outcomeOf(err error) string {
	if err == nil {
		return OutcomeFetched
	}
	if failed, ok := errors.AsType[*Error](err); ok {
		return failed.Outcome
	}
	return OutcomeCanceled
}

// fetch is Fetch without its observer.
func (f *Fetcher) fetch(ctx context.Context, rawURL string) ([]byte, error) {
	if err := f.checkURL(rawURL); err != nil {
		return nil, err
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to fetch a document: %w", ctx.Err())
	}
	timeout := f.config.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)*3/4)
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, &Error{"it is not a valid URL", OutcomeURL}
	}
	document, err := f.get(request)
	if err == nil {
		return document, nil
	}
	if ended := ctx.Err(); ended != nil {
		return nil, fmt.Errorf("fetching a document: %w", ended)
	}
	f.config.Logger.InfoContext(ctx, "document not fetched", "host", request.URL.Host, "error", cause(err))
	if shown, ok := errors.AsType[*Error](err); ok {
		return nil, shown
	}
	return nil, f.explain(err)
}

// cause returns err without the URL, whose query may contain secrets.
func cause(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// checkURL refuses URLs that are not https or have a user. Callers check the rest.
func (f *Fetcher) checkURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return &Error{"it is not a valid URL", OutcomeURL}
	case u.Scheme == "https", f.config.AllowPrivate && u.Scheme == "http" && netrule.IsLoopback(u.Hostname()):
		return nil
	}
	return &Error{"it is not https", OutcomeURL}
}

// get makes the request and reads the response.
func (f *Fetcher) get(request *http.Request) ([]byte, error) {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "registrar")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return nil, &Error{fmt.Sprintf("it answers with the redirect %d, and redirects are not followed",
			response.StatusCode), OutcomeRedirect}
	case response.StatusCode != http.StatusOK:
		return nil, &Error{fmt.Sprintf("it answers with the status %d, not 200", response.StatusCode), OutcomeStatus}
	case !isJSON(response.Header.Get("Content-Type")):
		return nil, &Error{"its Content-Type is not application/json", OutcomeType}
	case response.ContentLength > f.config.MaxBytes:
		return nil, f.tooLarge()
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, f.config.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(document)) > f.config.MaxBytes {
		return nil, f.tooLarge()
	}
	return document, nil
}

func (f *Fetcher) tooLarge() *Error {
	return &Error{fmt.Sprintf("it has more than %d bytes", f.config.MaxBytes), OutcomeTooLarge}
}

// isJSON reports whether a type is application/json or has the suffix +json (RFC 6839 §3.1), such as
// application/jwk-set+json.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	structured := strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
	return err == nil && (media == "application/json" || structured)
}

// explain returns what a client may know about a failed connection.
func (f *Fetcher) explain(err error) *Error {
	_, unknown := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), unknown:
		return &Error{"its host has no public address", OutcomeAddress}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{"it takes too long", OutcomeTimeout}
	case certificate:
		return &Error{"its host's certificate is not valid", OutcomeCertificate}
	}
	return &Error{"its host cannot be reached", OutcomeUnreachable}
}
