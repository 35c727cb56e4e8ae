package fetch

import (
	"cmp"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// maxValidator bounds an ETag that is kept, in bytes; a longer one counts as none.
const maxValidator = 512

// A policy is what the headers of a response say about keeping it, as a shared cache reads them (RFC 9111).
type policy struct {
	lifetime time.Duration // RFC 9111 §4.2.1; 0 if nothing says it
	age      time.Duration // when the response arrived, RFC 9111 §4.2.3
	keep     bool          // neither no-store nor private
}

// readPolicy reads the headers of a response that was asked for at one time and arrived at another.
func readPolicy(h http.Header, asked, arrived time.Time) policy {
	directives := parseDirectives(h.Values("Cache-Control"))
	_, noStore := directives["no-store"]
	_, private := directives["private"]
	return policy{lifetime: lifetime(h, directives, arrived), age: age(h, asked, arrived), keep: !noStore && !private}
}

// lifetime returns how long a response is fresh. A cache need not guess a lifetime (RFC 9111 §4.2.2), and this one does
// not. What says nothing certain counts as stale (§4.2.1).
func lifetime(h http.Header, directives map[string]string, arrived time.Time) time.Duration {
	if _, noCache := directives["no-cache"]; noCache || strings.Contains(h.Get("Vary"), "*") {
		return 0 // RFC 9111 §5.2.2.4, §4.1
	}
	for _, name := range [...]string{"s-maxage", "max-age"} { // RFC 9111 §5.2.2.10: s-maxage overrides the others
		if value, ok := directives[name]; ok {
			return seconds(value)
		}
	}
	expires := h.Values("Expires")
	if len(expires) != 1 {
		return 0
	}
	end, err := http.ParseTime(expires[0]) // RFC 9111 §5.3: an invalid date, such as 0, is in the past
	if err != nil {
		return 0
	}
	return max(0, end.Sub(date(h, arrived)))
}

// age returns how old a response was when it arrived (RFC 9111 §4.2.3).
func age(h http.Header, asked, arrived time.Time) time.Duration {
	apparent := max(0, arrived.Sub(date(h, arrived)))
	var told time.Duration
	if values := h.Values("Age"); len(values) > 0 { // RFC 9111 §5.1: the first counts
		told = seconds(textproto.TrimString(values[0]))
	}
	return max(apparent, told+arrived.Sub(asked))
}

// date returns when a response was made, or when it arrived if it has no valid date (RFC 9110 §6.6.1).
func date(h http.Header, arrived time.Time) time.Time {
	made, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return arrived
	}
	return made
}

// maxSeconds is what a number of seconds counts as that is too large (RFC 9111 §1.2.2).
const maxSeconds = 1 << 31

// seconds reads a number of seconds. What is none counts as 0, which makes a response stale.
func seconds(s string) time.Duration {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = maxSeconds
	}
	return time.Duration(min(n, maxSeconds)) * time.Second
}

// parseDirectives reads the directives of Cache-Control, with their names in lower case (RFC 9111 §5.2). The first of
// several of one name counts (§4.2.1). A value may be quoted; commas between quotes do not end a directive.
func parseDirectives(lines []string) map[string]string {
	directives := map[string]string{}
	for rest := strings.Join(lines, ","); rest != ""; {
		var directive string
		directive, rest = cutDirective(rest)
		name, value, _ := strings.Cut(directive, "=")
		name = strings.ToLower(textproto.TrimString(name))
		if _, there := directives[name]; !there {
			directives[name] = strings.Trim(textproto.TrimString(value), `"`)
		}
	}
	return directives
}

// cutDirective returns what is before the first comma that is not quoted, and what is after it.
func cutDirective(s string) (directive, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted && s[i] == '\\':
			i++ // the character that follows is escaped
		case !quoted && s[i] == ',':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// freshUntil returns when a response that arrived at a time is to be validated, in whole seconds. The time that it is
// fresh is between the bounds of c, except that a response that must not be kept is stale at once.
func (c *Config) freshUntil(p policy, arrived time.Time) time.Time {
	if !p.keep {
		return arrived.UTC().Truncate(time.Second)
	}
	left := min(max(p.lifetime-p.age, c.MinFresh), c.MaxFresh)
	return arrived.UTC().Truncate(time.Second).Add(left)
}

// validators returns the conditions by which a response can be validated later. A 304 may leave out what has not
// changed (RFC 9110 §15.4.5), so asked counts where it does.
func validators(h http.Header, asked Conditions) Conditions {
	etag, modified := h.Get("ETag"), h.Get("Last-Modified")
	if len(etag) > maxValidator {
		etag = ""
	}
	if _, err := http.ParseTime(modified); err != nil {
		modified = ""
	}
	return Conditions{ETag: cmp.Or(etag, asked.ETag), LastModified: cmp.Or(modified, asked.LastModified)}
}
