package fetch

import "time"

// A Code tells in one word why a document was not had. Codes are stable: they are in answers of the admin API, in the
// log and in metrics.
type Code string

// The codes of this package. What reads a document has further ones, for its content.
const (
	CodeURL      Code = "url"       // the URL is not allowed: it is not https, say
	CodeResolve  Code = "resolve"   // the host has no address, or none that is allowed
	CodeConnect  Code = "connect"   // the connection failed or broke
	CodeTLS      Code = "tls"       // the handshake failed, or the host's certificate is not valid
	CodeTimeout  Code = "timeout"   // the document did not arrive in time
	CodeStatus   Code = "status"    // the status is not 200, nor the 304 that was asked for
	CodeRedirect Code = "redirect"  // the status is a redirect
	CodeType     Code = "type"      // the Content-Type is not JSON, or the Content-Encoding is unknown
	CodeSize     Code = "size"      // the document has more bytes than are allowed
	CodeBusy     Code = "busy"      // the budget of all fetches is spent; see Error.RetryAfter
	CodeHostBusy Code = "host_busy" // the budget of fetches from the host is spent; see Error.RetryAfter
)

// The outcomes of a fetch that did not fail, for Config.Observe.
const (
	OutcomeFetched     = "fetched"
	OutcomeNotModified = "not_modified" // the document is the one that the caller has
)

// An Error is the reason why a document was not fetched. The text is for the client that named the URL: it does not
// distinguish a host that does not exist from one that is private. The fields are for administrators. Callers share an
// Error and must not change it.
type Error struct {
	Reason string
	Code   Code
	Status int    // of the response; 0 means that there was none
	Size   int64  // of the body that was too large, in bytes: as announced, else as far as it was read; else 0
	Family string // of the address that was tried last: "ipv4" or "ipv6"; "" means none, or that Code is CodeResolve
	// RetryAfter is when the budget has room again, in whole seconds; 0 unless Code is CodeBusy or CodeHostBusy.
	RetryAfter time.Duration
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }
