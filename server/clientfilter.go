package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"registrar/engine"
)

// listParams are the parameters of a list of clients.
var listParams = []string{"after", "caller_issuer", "caller_network", "caller_subject", "caller_token_id", "kind",
	"limit", "name", "never_seen", "q", "registered_after", "registered_before", "software_id", "status"}

// clientFilter returns the filter in a query. A parameter that is unknown is an error, since without it the list has
// clients that were not asked for.
func clientFilter(c echo.Context) (f engine.ClientFilter, err error) {
	for _, name := range slices.Sorted(maps.Keys(c.QueryParams())) {
		if !slices.Contains(listParams, name) {
			return f, &statusError{http.StatusBadRequest,
				fmt.Sprintf("the parameter %.40q is unknown: the parameters are %s",
					name, strings.Join(listParams, ", "))}
		}
	}
	f = engine.ClientFilter{
		Query:      c.QueryParam("q"),
		Name:       c.QueryParam("name"),
		SoftwareID: c.QueryParam("software_id"),
		TokenID:    c.QueryParam("caller_token_id"),
		Issuer:     c.QueryParam("caller_issuer"),
		Subject:    c.QueryParam("caller_subject"),
	}
	if f.Status, err = statusOf(c); err != nil {
		return f, err
	}
	switch f.Kind = engine.Kind(c.QueryParam("kind")); f.Kind {
	case "", engine.KindRegistered, engine.KindDocument:
	default:
		return f, &statusError{http.StatusBadRequest, "kind must be registered or document"}
	}
	if f.Network, err = networkOf(c, "caller_network"); err != nil {
		return f, err
	}
	if f.RegisteredAfter, err = timeParam(c, "registered_after"); err != nil {
		return f, err
	}
	if f.RegisteredBefore, err = timeParam(c, "registered_before"); err != nil {
		return f, err
	}
	f.NeverSeen, err = flagParam(c, "never_seen")
	return f, err
}

// statusOf returns the status that a query asks for; "" means any. Without one it is active, so that a caller that
// knows no status takes no client for active that is not.
func statusOf(c echo.Context) (engine.Status, error) {
	switch s := c.QueryParam("status"); s {
	case "":
		return engine.StatusActive, nil
	case string(engine.StatusActive), string(engine.StatusDisabled):
		return engine.Status(s), nil
	case "any":
		return "", nil
	}
	return "", &statusError{http.StatusBadRequest, "status must be active, disabled or any"}
}

// networkOf returns a query parameter that is a network or an address; the zero Prefix if it is missing.
func networkOf(c echo.Context, name string) (netip.Prefix, error) {
	s := c.QueryParam(name)
	if s == "" {
		return netip.Prefix{}, nil
	}
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, &statusError{http.StatusBadRequest,
			name + " must be a network, such as 192.0.2.0/24 or 2001:db8::/32, or an address"}
	}
	return network.Masked(), nil
}

// timeParam returns a query parameter that is a time of RFC 3339; the zero time if it is missing.
func timeParam(c echo.Context, name string) (time.Time, error) {
	s := c.QueryParam(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 {
		return t, &statusError{http.StatusBadRequest,
			fmt.Sprintf("%s must be a time of RFC 3339 since 1970, such as 2026-01-31T12:00:00Z", name)}
	}
	return t, nil
}

// flagParam returns a query parameter that is true or false; false if it is missing.
func flagParam(c echo.Context, name string) (bool, error) {
	switch c.QueryParam(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, &statusError{http.StatusBadRequest, name + " must be true or false"}
}
