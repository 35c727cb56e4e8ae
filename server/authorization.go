package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// errAuthorizations reports that a request has several Authorization headers. A proxy may have checked another one than
// this server would.
var errAuthorizations = errors.New("more than one Authorization header")

// authorization returns the scheme and the rest of a request's Authorization header (RFC 9110 §11.6.2), "" where there
// is none. Every endpoint reads the header through it. The error is errAuthorizations.
func authorization(h http.Header) (scheme, credentials string, err error) {
	values := h.Values(echo.HeaderAuthorization)
	switch len(values) {
	case 0:
		return "", "", nil
	case 1:
		scheme, credentials, _ = strings.Cut(values[0], " ")
		return scheme, strings.Trim(credentials, " "), nil
	}
	return "", "", errAuthorizations
}
