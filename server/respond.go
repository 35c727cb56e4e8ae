package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// A statusError is an error with an HTTP status and a text for clients.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string { return e.detail }

// An unauthorizedError is a 401. Its challenge has an error only if a token was sent (RFC 6750 §3.1).
type unauthorizedError struct {
	token       bool // whether a token was sent
	description string
	cause       error // only logged; nil means that the description is logged
}

// Error returns the text for the log.
func (e *unauthorizedError) Error() string {
	if e.cause != nil {
		return e.cause.Error()
	}
	return e.description
}

// errDisabled reports that a client manages its registration while it is not active.
var errDisabled = errors.New("the client is disabled")

// An answer is the response to an error.
type answer struct {
	status      int
	code        string // of RFC 7591 or RFC 6750
	description string
	challenge   string                    // for WWW-Authenticate; "" means none
	retryAfter  time.Duration             // for Retry-After, in whole seconds; 0 means none
	internal    bool                      // whether the cause is only logged
	reasons     []string                  // for Problem.Reasons
	failure     *adminapi.DocumentFailure // for Problem.Document; nil means none
}

// A repeatError is the error of a write that may have taken effect, where sending it again needs advice.
type repeatError struct {
	error
	advice string
}

func (e *repeatError) Unwrap() error { return e.error }

// unknownAnswer returns the response to a write that may have taken effect.
func unknownAnswer(err error) answer {
	advice := "Sending it again is safe."
	if e, ok := errors.AsType[*repeatError](err); ok {
		advice = e.advice
	}
	return answer{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", retryAfter: time.Second,
		internal: true, description: "The database did not answer in time: the request may have taken effect, or may " +
			"do so soon. " + advice}
}

const internalDescription = "The server failed. Its log has the cause, under the request_id."

// answerTo returns the response to an error, for both listeners.
func answerTo(err error) answer {
	refusal, refused := errors.AsType[*engine.Error](err)
	denied, isDenied := errors.AsType[*unauthorizedError](err)
	status, isStatus := errors.AsType[*statusError](err)
	rejected, isRejected := errors.AsType[*scripts.RejectedError](err)
	unfetched, isUnfetched := errors.AsType[*fetch.Error](err)
	keys, isKeys := errors.AsType[*keysError](err)
	http4xx, isHTTP := errors.AsType[*echo.HTTPError](err)
	content, isContent := errors.AsType[*engine.DocumentError](err)
	switch {
	case isContent:
		return refusedDocumentAnswer(content)
	case isDenied:
		challenge := `Bearer realm="registrar"`
		if denied.token {
			challenge = challengeOf("invalid_token", denied.description)
		}
		return answer{status: http.StatusUnauthorized, code: "invalid_token", description: denied.description,
			challenge: challenge}
	case refused && refusal.Code == engine.InsufficientScope:
		return answer{status: http.StatusForbidden, code: string(refusal.Code), description: refusal.Description,
			challenge: challengeOf(string(refusal.Code), refusal.Description)}
	case refused && refusal.Code == engine.InvalidToken:
		return answerTo(&unauthorizedError{token: true, description: refusal.Description})
	case refused:
		return answer{status: http.StatusBadRequest, code: string(refusal.Code), description: refusal.Description}
	case isRejected:
		return answer{status: http.StatusUnprocessableEntity, code: "invalid_request",
			description: "rejected; see reasons", reasons: rejected.Reasons}
	case isKeys:
		return answer{status: http.StatusUnprocessableEntity, code: "invalid_request",
			description: "rejected; see reasons", reasons: []string{keys.reason}, failure: keys.failure()}
	case isUnfetched && !errors.Is(err, engine.ErrUnavailable):
		return unfetchedAnswer(unfetched)
	case errors.Is(err, errDisabled):
		return answer{status: http.StatusForbidden, code: "access_denied", description: "The client is disabled."}
	case errors.Is(err, engine.ErrTokenSpent):
		return answerTo(badToken(err)) // the token was used up or revoked while this registration ran
	case isStatus:
		return statusAnswer(status.status, status.detail)
	case isHTTP:
		return statusAnswer(http4xx.Code, http.StatusText(http4xx.Code))
	case errors.Is(err, engine.ErrNotFound), errors.Is(err, scripts.ErrNotFound):
		return statusAnswer(http.StatusNotFound, "not found")
	case errors.Is(err, scripts.ErrConflict):
		return statusAnswer(http.StatusConflict, err.Error())
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return unknownAnswer(err)
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		return answer{status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "The server is too busy, or its database cannot be reached. Try again.",
			retryAfter:  time.Second, internal: true}
	}
	return answer{status: http.StatusInternalServerError, code: "server_error", description: internalDescription,
		internal: true}
}

// challengeOf returns a challenge with an error (RFC 6750 §3). It repeats the error and the description of the body,
// since some client libraries read only the challenge. The description must be valid for an [engine.Error].
func challengeOf(code, description string) string {
	return fmt.Sprintf(`Bearer realm="registrar", error="%s", error_description="%s"`, code, description)
}

func statusAnswer(status int, detail string) answer {
	a := answer{status: status, code: "invalid_request", description: detail}
	switch {
	case status == http.StatusTooManyRequests:
		a.code, a.retryAfter = "temporarily_unavailable", time.Second
	case status >= 500:
		a.code, a.description, a.internal = "server_error", internalDescription, true
	}
	return a
}

// respondPublic responds to an error as RFC 7591 §3.2.2 says.
func (s *Server) respondPublic(err error, c echo.Context) {
	a := answerTo(err)
	document := struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		RequestID   string `json:"request_id,omitzero"`
	}{Error: a.code, Description: a.description}
	if a.status == http.StatusInternalServerError {
		document.RequestID = requestIDOf(c)
	}
	s.respond(err, c, a, echo.MIMEApplicationJSON, document)
}

// respondAdmin responds to an error as RFC 9457 says.
func (s *Server) respondAdmin(err error, c echo.Context) {
	a := answerTo(err)
	s.respond(err, c, a, "application/problem+json", problemOf(a, requestIDOf(c)))
}

func problemOf(a answer, requestID string) *adminapi.Problem {
	return &adminapi.Problem{
		Type:      "about:blank",
		Title:     http.StatusText(a.status),
		Status:    a.status,
		Detail:    a.description,
		Reasons:   a.reasons,
		Document:  a.failure,
		RequestID: requestID,
	}
}

// respond writes an answer, and logs the error.
func (s *Server) respond(err error, c echo.Context, a answer, mediaType string, document any) {
	ctx, logger := c.Request().Context(), s.config.Logger.With("status", a.status, "method", c.Request().Method,
		"path", c.Request().URL.Path, "ip", c.RealIP(), "request_id", requestIDOf(c))
	logger = logger.With(actorAttrs(c)...)
	switch {
	case a.status >= 500 && a.internal && !errors.Is(err, context.Canceled):
		logger.ErrorContext(ctx, "request failed", "error", err)
	default:
		logger.InfoContext(ctx, "request refused", "error", err)
	}
	if c.Response().Committed {
		return
	}
	noStore(c)
	header := c.Response().Header()
	if a.challenge != "" {
		header.Set(echo.HeaderWWWAuthenticate, a.challenge)
	}
	if a.retryAfter > 0 {
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(int(a.retryAfter.Seconds())))
	}
	if err := writeJSON(c, a.status, mediaType, document); err != nil {
		logger.WarnContext(ctx, "writing an answer", "error", err)
	}
}

// writeJSON responds with a JSON document.
func writeJSON(c echo.Context, status int, mediaType string, document any) error {
	b, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return c.Blob(status, mediaType, b)
}

// sendJSON responds with a JSON text and flushes it, so that the client does not wait for the rest of the handler.
func sendJSON(c echo.Context, status int, text []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(text)))
	if err := c.JSONBlob(status, text); err != nil {
		return err
	}
	_ = http.NewResponseController(c.Response()).Flush() // if the client disconnected, the work is done all the same
	return nil
}

// The values of headers that are always the same. Nothing modifies them: [http.Header.Set] and Add replace them.
var (
	valueNoStore = []string{"no-store"}
	valueNoCache = []string{"no-cache"}
	valueNoSniff = []string{"nosniff"}
)

// noStore keeps a response out of caches (RFC 7591 §3.2.1).
func noStore(c echo.Context) {
	h := c.Response().Header()
	h[echo.HeaderCacheControl], h["Pragma"] = valueNoStore, valueNoCache
}
