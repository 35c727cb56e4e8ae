package engine

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// checkOrigins returns the origins of allowed_cors_origins as browsers send them in the Origin header. It returns list
// itself if all are so already.
func checkOrigins(list []string) ([]string, error) {
	var written []string // nil until one differs
	for i, s := range list {
		origin, problem := readOrigin(s)
		if problem != "" {
			return nil, Refuse("allowed_cors_origins[%d] %s", i, problem)
		}
		if origin != s && written == nil {
			written = slices.Clone(list)
		}
		if written != nil {
			written[i] = origin
		}
	}
	if written != nil {
		return written, nil
	}
	return list, nil
}

// checkWrittenOrigins checks that origins are as checkOrigins returns them.
func checkWrittenOrigins(list []string) error {
	for i, s := range list {
		switch origin, problem := readOrigin(s); {
		case problem != "":
			return fmt.Errorf("allowed_cors_origins[%d] %s", i, problem)
		case origin != s:
			return fmt.Errorf("allowed_cors_origins[%d] is not written as browsers do, %s", i, origin)
		}
	}
	return nil
}

// ReadOrigin returns a web origin as browsers send it in the Origin header (RFC 6454 §6.2): scheme and host in lower
// case, an IPv6 address as in RFC 5952, and the port unless it is the scheme's default. Its error says what is wrong
// with s, in words that follow a name in a sentence.
func ReadOrigin(s string) (string, error) {
	origin, problem := readOrigin(s)
	if problem != "" {
		return "", errors.New(problem)
	}
	return origin, nil
}

// readOrigin is [ReadOrigin] with the problem as a text, "" if there is none.
func readOrigin(s string) (origin, problem string) {
	const form = "must be an origin: only scheme, host and port, such as https://app.example"
	authority, from := authorityOf(s)
	switch {
	case s == "*" || s == "null":
		return "", form + ", not " + s
	case from+len(authority) != len(s):
		return "", form + ", without anything after the port"
	}
	scheme := strings.ToLower(schemeOf(s))
	if authority == "" || !isWeb(scheme) {
		return "", form
	}
	host, port, problem := readAuthority(authority, true)
	if problem != "" {
		return "", problem
	}
	return serializeOrigin(s, scheme, host, port), ""
}

// serializeOrigin writes an origin whose parts are valid. It returns s itself if that is the origin.
func serializeOrigin(s, scheme, host, port string) string {
	host = strings.ToLower(host)
	if host[0] == '[' {
		host = "[" + netip.MustParseAddr(host[1:len(host)-1]).String() + "]"
	}
	if n, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16); port != "" && err == nil && n != defaultPort(scheme) {
		host += ":" + strconv.FormatUint(n, 10)
	}
	if rest, same := strings.CutPrefix(s, scheme+"://"); same && rest == host {
		return s // without another copy
	}
	return scheme + "://" + host
}

// defaultPort returns the port of an http or https URI that has none.
func defaultPort(scheme string) uint64 {
	if scheme == "https" {
		return 443
	}
	return 80
}
