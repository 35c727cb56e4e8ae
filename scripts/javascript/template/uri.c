// parseURI: the grammar of RFC 3986, without exceptions for what others accept.

#include <ctype.h>
#include <string.h>

#include "shim.h"

#define SUB_DELIMS "!$&'()*+,;="
#define UNRESERVED_MARKS "-._~"
#define PCHAR_MARKS UNRESERVED_MARKS "%" SUB_DELIMS ":@" // a "%" begins an escape

// The parts of a URI. One that is absent has no from.
typedef struct {
	span scheme, userinfo, host, port, path, query, fragment;
} uri;

// up_to returns the first place of a text, from p on, that has one of marks, or its end.
static const char *up_to(const char *p, const char *end, const char *marks) {
	while (p < end && !(*p && strchr(marks, *p))) p++;
	return p;
}

// consists reports whether a part has only letters, digits, marks, and escapes where "%" is a mark.
static int consists(span s, const char *marks) {
	for (const char *p = s.from; p < s.to; p++) {
		if (!isalnum((uint8_t)*p) && !(*p && strchr(marks, *p))) return 0;
		if (*p == '%' && (s.to - p < 3 || !isxdigit((uint8_t)p[1]) || !isxdigit((uint8_t)p[2]))) return 0;
	}
	return 1;
}

// ipv4 reports whether a part is four decimal numbers up to 255, without zeros in front (dec-octet).
static int ipv4(span s) {
	int numbers = 0;
	for (const char *p = s.from; p < s.to; p++) {
		int value = 0, digits = 0;
		for (; p < s.to && isdigit((uint8_t)*p); p++) value = value * 10 + *p - '0', digits++;
		if (!digits || digits > 3 || value > 255 || (digits > 1 && p[-digits] == '0')) return 0;
		numbers++;
		if (p < s.to && (*p != '.' || p + 1 == s.to)) return 0;
	}
	return numbers == 4;
}

// ipv6 reports whether a part is an IPv6address: eight groups, of which "::" replaces one or more, and an IPv4 address
// the last two.
static int ipv6(span s) {
	int groups = 0, elided = 0;
	const char *p = s.from;
	if (s.to - p >= 2 && p[0] == ':' && p[1] == ':') elided = 1, p += 2;
	while (p < s.to) {
		span group = {p, up_to(p, s.to, ":")};
		if (memchr(p, '.', group.to - p)) {
			if (group.to != s.to || !ipv4(group)) return 0;
			groups += 2;
			break;
		}
		for (; p < group.to; p++)
			if (!isxdigit((uint8_t)*p)) return 0;
		if (group.to == group.from || group.to - group.from > 4) return 0;
		groups++;
		if (p == s.to) break;
		if (++p == s.to) return 0; // a single colon ends it
		if (*p == ':') {
			if (elided++) return 0;
			p++;
		}
	}
	return elided ? groups <= 7 : groups == 8;
}

// ip_literal reports whether a part is what brackets may hold: IPv6address or IPvFuture.
static int ip_literal(span s) {
	if (s.from == s.to || (*s.from | 32) != 'v') return ipv6(s);
	const char *p = s.from + 1;
	while (p < s.to && isxdigit((uint8_t)*p)) p++;
	return p > s.from + 1 && s.to - p > 1 && *p == '.' && consists((span){p + 1, s.to}, UNRESERVED_MARKS SUB_DELIMS ":");
}

// split_authority splits [ userinfo "@" ] host [ ":" port ].
static int split_authority(span s, uri *u) {
	const char *at = up_to(s.from, s.to, "@");
	u->host = s;
	if (at < s.to) u->userinfo = (span){s.from, at}, u->host.from = at + 1;
	const char *host = u->host.from, *colon;
	if (host < s.to && *host == '[') {
		const char *bracket = up_to(host, s.to, "]");
		if (bracket == s.to || !ip_literal((span){host + 1, bracket})) return 0;
		colon = bracket + 1;
		if (colon < s.to && *colon != ':') return 0;
	} else {
		colon = up_to(host, s.to, ":");
		if (!consists((span){host, colon}, UNRESERVED_MARKS "%" SUB_DELIMS)) return 0;
	}
	u->host.to = colon;
	if (colon < s.to) u->port = (span){colon + 1, s.to};
	for (const char *p = u->port.from; p < u->port.to; p++)
		if (!isdigit((uint8_t)*p)) return 0;
	return consists(u->userinfo, UNRESERVED_MARKS "%" SUB_DELIMS ":");
}

// split splits scheme ":" hier-part [ "?" query ] [ "#" fragment ].
static int split(span s, uri *u) {
	const char *hash = up_to(s.from, s.to, "#"), *question = up_to(s.from, hash, "?");
	const char *colon = up_to(s.from, question, ":/");
	if (colon == question || *colon != ':' || colon == s.from || !isalpha((uint8_t)*s.from)) return 0;
	u->scheme = (span){s.from, colon};
	u->path = (span){colon + 1, question};
	if (question < hash) u->query = (span){question + 1, hash};
	if (hash < s.to) u->fragment = (span){hash + 1, s.to};
	if (question - colon > 2 && colon[1] == '/' && colon[2] == '/') {
		u->path.from = up_to(colon + 3, question, "/");
		if (!split_authority((span){colon + 3, u->path.from}, u)) return 0;
	}
	return consists(u->scheme, "+-.") && consists(u->path, PCHAR_MARKS "/") &&
	       consists(u->query, PCHAR_MARKS "/?") && consists(u->fragment, PCHAR_MARKS "/?");
}

// define adds a part to an object, and reports whether that failed.
static int define(JSContext *c, JSValue o, const char *name, span s) {
	if (!s.from) return 0;
	return JS_DefinePropertyValueStr(c, o, name, JS_NewStringLen(c, s.from, s.to - s.from), JS_PROP_ENUMERABLE) < 0;
}

// define_lower is define for a part whose case means nothing. It changes a copy, since the text may be the script's
// own string.
static int define_lower(JSContext *c, JSValue o, const char *name, span s) {
	if (!s.from) return 0;
	size_t n = s.to - s.from;
	char *copy = js_malloc(c, n + 1);
	if (!copy) return 1;
	for (size_t i = 0; i < n; i++) copy[i] = tolower((uint8_t)s.from[i]);
	int failed = define(c, o, name, (span){copy, copy + n});
	js_free(c, copy);
	return failed;
}

JSValue js_parseURI(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
	text t;
	if (!take(c, argv[0], "a URI", 0, MAX_VALUE, &t)) return JS_EXCEPTION;
	JSValue o = JS_NULL;
	uri u = {0};
	if (split((span){t.p, t.p + t.n}, &u)) {
		o = JS_NewObject(c);
		if (JS_IsException(o) || define_lower(c, o, "scheme", u.scheme) || define(c, o, "userinfo", u.userinfo) ||
		    define_lower(c, o, "host", u.host) || define(c, o, "port", u.port) || define(c, o, "path", u.path) ||
		    define(c, o, "query", u.query) || define(c, o, "fragment", u.fragment) || JS_PreventExtensions(c, o) < 0)
			o = JS_EXCEPTION;
	}
	JS_FreeCString(c, t.p);
	return o;
}
