package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// headerRequestID is X-Request-Id in the form in which [http.Header] has it, unlike Echo's constant. It is set and read
// without the search for that form, which takes longer.
const headerRequestID = "X-Request-Id"

// requestID sets the X-Request-Id of the response to that of the request if it is valid, else to a new one.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := first(c.Request().Header[headerRequestID])
		if id == "" || !validRequestID.MatchString(id) {
			id = newRequestID()
		}
		c.Response().Header()[headerRequestID] = []string{id}
		return next(c)
	}
}

// newRequestID returns a random UUID of version 4. It is no secret, so it needs no system call, as one of package uuid
// does.
func newRequestID() string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // RFC 9562 §5.4: version and variant
	return id.String()
}

// requestIDOf returns the ID that requestID set.
func requestIDOf(c echo.Context) string { return first(c.Response().Header()[headerRequestID]) }

// first returns the first value of a header, or "".
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// noSniff tells browsers to trust the Content-Type of responses.
func noSniff(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header()[echo.HeaderXContentTypeOptions] = valueNoSniff
		return next(c)
	}
}

// hasMediaType reports whether a request's body is of a media type.
func hasMediaType(c echo.Context, mediaType string) bool {
	value := c.Request().Header.Get(echo.HeaderContentType)
	if value == mediaType { // the usual form, without parsing
		return true
	}
	got, _, err := mime.ParseMediaType(value)
	return err == nil && got == mediaType
}

// body reads a request's body, which must have the given media type, no content coding, and at most limit bytes.
func body(c echo.Context, mediaType string, limit int64) ([]byte, error) {
	r := c.Request()
	if !hasMediaType(c, mediaType) {
		return nil, &statusError{http.StatusUnsupportedMediaType, "the Content-Type must be " + mediaType}
	}
	if isEncoded(r.Header) {
		// RFC 9110 §12.5.3: the header tells this 415 from one about the media type.
		c.Response().Header().Set(echo.HeaderAcceptEncoding, "identity")
		return nil, &statusError{http.StatusUnsupportedMediaType,
			"the body must be sent as it is: leave out Content-Encoding"}
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	defer suspendDeadline(c)()
	b, err := readAll(http.MaxBytesReader(c.Response(), r.Body, limit), r.ContentLength)
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "the body is incomplete"}
	}
	// net/http reads what is left of a body that is not closed before it answers. Here nothing is left.
	_ = r.Body.Close()
	return b, nil
}

// isEncoded reports whether a body has a content coding (RFC 9110 §8.4) other than identity, which means none.
func isEncoded(h http.Header) bool {
	for _, line := range h[echo.HeaderContentEncoding] {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.Trim(coding, ows); coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

func tooLarge(limit int64) error {
	return &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must have at most %d bytes", limit)}
}

// readAll reads r to its end. length is the declared length, which net/http holds r to, or -1 if unknown. At most 4 KiB
// are allocated for it in advance, since clients can declare more than they send.
func readAll(r io.Reader, length int64) ([]byte, error) {
	const most = 4 << 10
	if 0 <= length && length <= most {
		b := make([]byte, length)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	b := bytes.NewBuffer(make([]byte, 0, min(max(length, 0), most)+bytes.MinRead))
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// param returns a path parameter, percent-decoded once. The router matches the path as the client encoded it where that
// differs from the usual form, so that an encoded slash is part of the parameter.
func param(c echo.Context, name string) (string, error) {
	if c.Request().URL.RawPath == "" {
		return c.Param(name), nil // it is decoded already
	}
	s, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return "", &statusError{http.StatusBadRequest, "the path has an invalid percent-encoding"}
	}
	return s, nil
}

// number returns a query parameter, which must be a non-negative number; 0 if it is missing.
func number(c echo.Context, name string) (int64, error) {
	s := c.QueryParam(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, &statusError{http.StatusBadRequest, name + " must be a whole number, not negative"}
	}
	return n, nil
}
