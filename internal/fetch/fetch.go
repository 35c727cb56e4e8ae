// Package fetch gets JSON documents from URLs that clients name, and from URLs that the operator configured. It fetches
// only by https and, for clients, only from public addresses. The address is checked when the connection is made, so
// that DNS rebinding does not help. Redirects are not followed, proxies of the environment are not used, and size, time
// and number are bounded. How long a document is fresh, its host says, within bounds. See [Fetcher.Get] and [Cache].
package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"

	"registrar/internal/guard"
	"registrar/internal/netrule"
)

// Config configures a Fetcher.
type Config struct {
	// AllowPrivate allows private addresses, and http to loopback hosts. It is for URLs that the operator configured,
	// never for those that clients name.
	AllowPrivate bool
	// AllowLoopback allows loopback addresses, by https. It is for development.
	AllowLoopback bool
	RootCAs       *x509.CertPool   // nil means the system's
	Resolver      *net.Resolver    // nil means the system's
	Timeout       time.Duration    // of a fetch, from the look-up of the host to the last byte; 0 means 3 s
	MaxBytes      int64            // of a document; 0 means 64 KiB
	MinFresh      time.Duration    // bounds Response.FreshUntil from below; 0 means no bound
	MaxFresh      time.Duration    // bounds it from above; 0 means 24 h
	Budget        *Budget          // nil means one with the default limits
	Logger        *slog.Logger     // for causes that an [Error] does not show; nil means slog.Default
	Guard         *guard.Guard     // catches panics; nil counts none
	Now           func() time.Time // the clock of freshness; nil means time.Now
	// Observe is called after each fetch, with its outcome, OutcomeFetched, OutcomeNotModified or a Code, and its time;
	// nil means that nothing is called. Callers that share a fetch count once.
	Observe func(outcome string, took time.Duration)
}

// A Fetcher fetches documents. It is safe for concurrent use.
type Fetcher struct {
	config  Config
	client  *http.Client
	running singleflight.Group
}

// New returns a Fetcher.
func New(c Config) *Fetcher {
	c.Timeout = cmp.Or(c.Timeout, 3*time.Second)
	c.MaxBytes = cmp.Or(c.MaxBytes, 64<<10)
	c.MaxFresh = cmp.Or(c.MaxFresh, 24*time.Hour)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Budget == nil {
		c.Budget = NewBudget(Limits{})
	}
	dialer := &net.Dialer{Resolver: c.Resolver}
	if !c.AllowPrivate {
		dialer.Control = publicOnly(c.AllowLoopback)
	}
	return &Fetcher{config: c, client: &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // each fetch checks the address of its own connection
			DisableCompression:     true, // see body
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Conditions are the validators of a stored document, for a conditional request (RFC 9110 §13.1). The zero value makes
// the request unconditional.
type Conditions struct{ ETag, LastModified string }

// A Response is a document as fetched. Callers share it and must not change it.
type Response struct {
	Body        []byte // nil if NotModified
	NotModified bool   // the document is the one with the conditions of the request (304)
	// ETag and LastModified are the validators of the document; "" means none.
	ETag, LastModified string
	// FreshUntil is when the document is to be validated, by RFC 9111 within the bounds of Config; in whole seconds.
	FreshUntil time.Time
	// Keep reports whether the document may be kept: not if it is no-store or private (RFC 9111 §3).
	Keep bool
}

// Conditions returns the conditions by which the document is validated.
func (r *Response) Conditions() Conditions { return Conditions{r.ETag, r.LastModified} }

// Fetch is Get for a document that is not kept.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) ([]byte, error) {
	r, err := f.Get(ctx, rawURL, Conditions{})
	if err != nil {
		return nil, err
	}
	return r.Body, nil
}

// Get fetches the JSON document at a URL. If that fails it returns an *[Error], or the context's error if ctx is done.
//
// Callers that ask for the same URL under the same conditions share a fetch, which goes on without one that leaves. If
// ctx ends before the timeout, a caller waits for three quarters of the time left, so that it has time to respond.
func (f *Fetcher) Get(ctx context.Context, rawURL string, c Conditions) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("fetching a document: %w", err)
	}
	key := fmt.Sprintf("%q %q %q", rawURL, c.ETag, c.LastModified)
	done := f.running.DoChan(key, func() (any, error) {
		return f.observed(context.WithoutCancel(ctx), rawURL, c)
	})
	waiting, cancel := withinTime(ctx)
	defer cancel()
	select {
	case result := <-done:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Response), nil
	case <-waiting.Done():
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("fetching a document: %w", err)
		}
		return nil, &Error{Reason: "it takes too long", Code: CodeTimeout}
	}
}

// withinTime returns a context that ends after three quarters of the time that ctx has left.
func withinTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*3/4)
}

// observed fetches a document, and tells the observer. A panic becomes an error: singleflight would end the process.
func (f *Fetcher) observed(ctx context.Context, rawURL string, c Conditions) (r *Response, err error) {
	began := time.Now()
	if panicked := f.config.Guard.Run(guard.Documents, func() { r, err = f.fetch(ctx, rawURL, c) }); panicked != nil {
		return nil, panicked
	}
	if f.config.Observe != nil {
		f.config.Observe(outcomeOf(r, err), time.Since(began))
	}
	return r, err
}

// outcomeOf returns the outcome of a fetch.
func outcomeOf(r *Response, err error) string {
	if failed, ok := errors.AsType[*Error](err); ok {
		return string(failed.Code)
	}
	if r.NotModified {
		return OutcomeNotModified
	}
	return OutcomeFetched
}

// fetch makes the request within the budget and the time. Its error is an *[Error].
func (f *Fetcher) fetch(ctx context.Context, rawURL string, c Conditions) (*Response, error) {
	u, err := f.parse(rawURL)
	if err != nil {
		return nil, err
	}
	// A caller must learn in its own time that the budget is spent, and not that the host is slow.
	waiting, stop := context.WithTimeout(ctx, f.config.Timeout/4)
	defer stop()
	leave, err := f.config.Budget.enter(waiting, u)
	if err != nil {
		shown, _ := errors.AsType[*Error](err)
		return nil, f.failed(ctx, u, shown, err)
	}
	defer leave()
	a := attempt{config: &f.config, client: f.client, conditions: c}
	r, err := a.get(ctx, rawURL)
	if err != nil {
		return nil, f.failed(ctx, u, a.explain(err), err)
	}
	return r, nil
}

// failed logs why a document was not fetched, and returns what is shown of it.
func (f *Fetcher) failed(ctx context.Context, u *url.URL, shown *Error, err error) error {
	attrs := []any{"host", u.Host, "code", string(shown.Code), "error", cause(err)}
	if shown.Status != 0 {
		attrs = append(attrs, "document_status", shown.Status)
	}
	f.config.Logger.InfoContext(ctx, "document not fetched", attrs...)
	return shown
}

// cause returns err without the URL, whose query may contain secrets.
func cause(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// parse refuses URLs that are not https or have a user. Callers check the rest.
func (f *Fetcher) parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return nil, &Error{Reason: "it is not a valid URL", Code: CodeURL}
	case u.Scheme == "https", f.config.AllowPrivate && u.Scheme == "http" && netrule.IsLoopback(u.Hostname()):
		return u, nil
	}
	return nil, &Error{Reason: "it is not https", Code: CodeURL}
}
