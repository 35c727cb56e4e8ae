package fetch

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync/atomic"

	"code.dny.dev/ssrf"
)

// An attempt is a fetch that runs.
type attempt struct {
	config     *Config
	client     *http.Client
	conditions Conditions

	family    atomic.Pointer[string] // of the last address; see Error.Family
	handshake atomic.Bool            // whether the TLS handshake failed
	status    int                    // of the response; 0 before it
}

// get makes the request and reads the response.
func (a *attempt) get(ctx context.Context, rawURL string) (*Response, error) {
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, a.trace()), a.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, &Error{Reason: "it is not a valid URL", Code: CodeURL}
	}
	a.setHeader(request.Header)
	asked := a.config.Now()
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	arrived := a.config.Now()
	a.status = response.StatusCode
	notModified, err := a.checkStatus(response.StatusCode)
	if err != nil {
		return nil, err
	}
	p := readPolicy(response.Header, asked, arrived)
	r := &Response{NotModified: notModified, FreshUntil: a.config.freshUntil(p, arrived), Keep: p.keep}
	if notModified {
		kept := validators(response.Header, a.conditions)
		r.ETag, r.LastModified = kept.ETag, kept.LastModified
		return r, nil
	}
	kept := validators(response.Header, Conditions{})
	r.ETag, r.LastModified = kept.ETag, kept.LastModified
	r.Body, err = a.body(response)
	return r, err
}

// trace notes how far the attempt came.
func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectStart: func(_, address string) { a.family.Store(new(familyOf(address))) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			a.handshake.Store(err != nil)
		},
	}
}

// familyOf returns the family of an address with a port.
func familyOf(address string) string {
	parsed, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return ""
	case parsed.Addr().Unmap().Is4():
		return "ipv4"
	}
	return "ipv6"
}

// setHeader sets the header of the request.
func (a *attempt) setHeader(h http.Header) {
	h.Set("Accept", "application/json")
	h.Set("Accept-Encoding", "gzip")
	h.Set("User-Agent", "registrar")
	if a.conditions.ETag != "" {
		h.Set("If-None-Match", a.conditions.ETag)
	}
	if a.conditions.LastModified != "" {
		h.Set("If-Modified-Since", a.conditions.LastModified)
	}
}

// checkStatus reports whether the status is that of a document that has not changed. It returns an error unless it is,
// or is 200.
func (a *attempt) checkStatus(status int) (notModified bool, err error) {
	switch {
	case status == http.StatusOK:
		return false, nil
	case status == http.StatusNotModified && a.conditions != Conditions{}:
		return true, nil
	case status == http.StatusNotModified || status < 300 || status >= 400:
		return false, &Error{Reason: fmt.Sprintf("it answers with the status %d, not 200", status), Code: CodeStatus}
	}
	return false, &Error{Reason: fmt.Sprintf("it answers with the redirect %d, and redirects are not followed", status),
		Code: CodeRedirect}
}

// body reads the document. At most MaxBytes are read from the connection, and come from decompressing them, so that a
// response that is small when compressed costs no more than another.
func (a *attempt) body(response *http.Response) ([]byte, error) {
	limit := a.config.MaxBytes
	if !isJSON(response.Header.Get("Content-Type")) {
		return nil, &Error{Reason: "its Content-Type is not application/json", Code: CodeType}
	}
	if response.ContentLength > limit {
		return nil, a.tooLarge(response.ContentLength)
	}
	received := &io.LimitedReader{R: response.Body, N: limit + 1}
	decoded, err := decode(response.Header.Get("Content-Encoding"), received)
	var document []byte
	if err == nil {
		document, err = io.ReadAll(io.LimitReader(decoded, limit+1))
	}
	if read := max(limit+1-received.N, int64(len(document))); read > limit {
		return nil, a.tooLarge(read)
	}
	return document, err
}

// decode returns a reader of what is encoded in r (RFC 9110 §8.4).
func decode(encoding string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(encoding) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	}
	return nil, &Error{Reason: "its Content-Encoding is not gzip", Code: CodeType}
}

func (a *attempt) tooLarge(size int64) *Error {
	return &Error{Reason: fmt.Sprintf("it has more than %d bytes", a.config.MaxBytes), Code: CodeSize, Size: size}
}

// isJSON reports whether a type is application/json or has the suffix +json (RFC 6839 §3.1), such as
// application/jwk-set+json.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	structured := strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
	return err == nil && (media == "application/json" || structured)
}

// explain returns what is shown of an error.
func (a *attempt) explain(err error) *Error {
	shown, ok := errors.AsType[*Error](err)
	if !ok {
		shown = a.classify(err)
	}
	shown.Status = a.status
	if shown.Code != CodeResolve { // a family would tell a host that is private from one that does not exist
		shown.Family = *cmp.Or(a.family.Load(), new(string))
	}
	return shown
}

// classify returns what is shown of an error of the connection.
func (a *attempt) classify(err error) *Error {
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP):
		return &Error{Reason: "its host has no public address", Code: CodeResolve}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Reason: "it takes too long", Code: CodeTimeout}
	case unknown: // as if it were private
		return &Error{Reason: "its host has no public address", Code: CodeResolve}
	case a.handshake.Load():
		return a.untrusted(err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &Error{Reason: "its Content-Encoding is gzip, but its content is not", Code: CodeType}
	}
	return &Error{Reason: "its host cannot be reached", Code: CodeConnect}
}

// untrusted returns what is shown of a handshake that failed.
func (a *attempt) untrusted(err error) *Error {
	if _, certificate := errors.AsType[*tls.CertificateVerificationError](err); certificate {
		return &Error{Reason: "its host's certificate is not valid", Code: CodeTLS}
	}
	return &Error{Reason: "the TLS handshake with its host failed", Code: CodeTLS}
}
