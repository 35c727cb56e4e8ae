// registrar_uri.h takes URIs apart. registrar.h includes it.
#ifndef REGISTRAR_URI_H
#define REGISTRAR_URI_H

// A registrar_uri has the parts of an absolute URI (RFC 3986 section 3). The parts are as written, not decoded, except
// that scheme and host are in lower case, and an IPv6 address is as in RFC 5952. ptr is 0 in a part that is not there.
typedef struct {
	registrar_text scheme;
	registrar_text user_info; // without the @
	registrar_text host;      // an IPv6 address is without brackets; its len is 0 if there is none
	int port;                 // 0 to 65535; -1 if there is none, or an empty one
	registrar_text path;
	registrar_text query;    // without the ?
	registrar_text fragment; // without the #
} registrar_uri;

static inline _Bool registrar_is_digit(char c) { return c >= '0' && c <= '9'; }

static inline _Bool registrar_is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

static inline _Bool registrar_is_hex(char c) {
	return registrar_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// registrar_find returns the index of the first byte of a text that is one of those of a set, or the text's length.
static inline unsigned registrar_find(registrar_text text, registrar_text set) {
	for (unsigned i = 0; i < text.len; i++)
		for (unsigned j = 0; j < set.len; j++)
			if (text.ptr[i] == set.ptr[j]) return i;
	return text.len;
}

static inline registrar_text registrar_part(registrar_text text, unsigned from, unsigned to) {
	return (registrar_text){text.ptr + from, to - from};
}

// registrar_cut cuts a text at the first of a separator and returns what is after it; ptr is 0 if there is none.
static inline registrar_text registrar_cut(registrar_text *text, registrar_text separator) {
	unsigned at = registrar_find(*text, separator);
	registrar_text after = {0, 0};
	if (at < text->len) after = registrar_part(*text, at + 1, text->len);
	text->len = at;
	return after;
}

static inline registrar_text registrar_lower(registrar_text text) {
	char *p = registrar_alloc(text.len);
	for (unsigned i = 0; i < text.len; i++)
		p[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
	return (registrar_text){p, text.len};
}

// registrar_is_uri_text reports whether a text has only characters of RFC 3986 section 2, and two digits after each
// percent sign.
static inline _Bool registrar_is_uri_text(registrar_text text) {
	for (unsigned i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c <= ' ' || c >= 0x7f) return 0; // beyond 0x7f a char is below 0
		if (c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' || (c >= '{' && c <= '}')) return 0;
		if (c != '%') continue;
		if (i + 2 >= text.len || !registrar_is_hex(text.ptr[i + 1]) || !registrar_is_hex(text.ptr[i + 2])) return 0;
	}
	return 1;
}

static inline _Bool registrar_is_scheme(registrar_text text) {
	for (unsigned i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (registrar_is_letter(c)) continue;
		if (i == 0 || !(registrar_is_digit(c) || c == '+' || c == '-' || c == '.')) return 0;
	}
	return text.len > 0;
}

// registrar_ends_in_number reports whether browsers read a host as an IPv4 address: its last label, before a dot at the
// end, is decimal or hexadecimal (WHATWG URL, "ends in a number checker").
static inline _Bool registrar_ends_in_number(registrar_text host) {
	unsigned to = host.len, from;
	if (to && host.ptr[to - 1] == '.') to--;
	for (from = to; from > 0 && host.ptr[from - 1] != '.';) from--;
	if (from == to) return 0;
	_Bool hex = to - from >= 2 && host.ptr[from] == '0' && (host.ptr[from + 1] | 0x20) == 'x';
	for (unsigned i = hex ? from + 2 : from; i < to; i++)
		if (!(hex ? registrar_is_hex(host.ptr[i]) : registrar_is_digit(host.ptr[i]))) return 0;
	return 1;
}

// registrar_ipv4 reads four decimal numbers up to 255, without leading zeros (RFC 3986 section 3.2.2).
static inline _Bool registrar_ipv4(registrar_text text, unsigned *address) {
	unsigned dots = 0, digits = 0, n = 0;
	*address = 0;
	for (unsigned i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '.' && digits && dots < 3) {
			*address = *address << 8 | n;
			dots++, digits = 0, n = 0;
		} else if (registrar_is_digit(c) && (!digits || n)) {
			digits++, n = 10 * n + (unsigned)(c - '0');
			if (n > 255) return 0;
		} else {
			return 0;
		}
	}
	*address = *address << 8 | n;
	return dots == 3 && digits;
}

// registrar_ipv6 reads an address in a form of RFC 4291 section 2.2.
static inline _Bool registrar_ipv6(registrar_text text, unsigned groups[8]) {
	unsigned n = 0, i = 0, gap = 9; // gap is how many groups are before ::, or 9
	if (registrar_begins(text, TEXT("::"))) gap = 0, i = 2;
	while (i < text.len) {
		unsigned from = i, group = 0, address;
		for (; i < text.len && registrar_is_hex(text.ptr[i]); i++)
			group = group << 4 | (unsigned)(text.ptr[i] & 15) + (registrar_is_digit(text.ptr[i]) ? 0 : 9);
		if (i < text.len && text.ptr[i] == '.') {
			if (n > 6 || !registrar_ipv4(registrar_part(text, from, text.len), &address)) return 0;
			groups[n++] = address >> 16, groups[n++] = address & 0xffff;
			break;
		}
		if (i == from || i - from > 4 || n == 8) return 0;
		groups[n++] = group;
		if (i == text.len) break;
		if (text.ptr[i] != ':' || i + 1 == text.len) return 0;
		if (text.ptr[++i] != ':') continue;
		if (gap < 9) return 0;
		gap = n, i++;
	}
	if (gap == 9 || n == 8) return gap == 9 && n == 8;
	for (unsigned to = 8; to > gap;) groups[--to] = n > gap ? groups[--n] : 0;
	return 1;
}

// registrar_write_ipv6 writes an address as RFC 5952 section 4 says: the first of the longest runs of zeros, of two at
// least, as "::".
static inline registrar_text registrar_write_ipv6(const unsigned groups[8]) {
	static const char digits[] = "0123456789abcdef";
	unsigned gap = 0, length = 1, n = 0;
	for (unsigned i = 0; i < 8; i++) {
		unsigned run = 0;
		while (i + run < 8 && !groups[i + run]) run++;
		if (run > length) gap = i, length = run;
	}
	char *p = registrar_alloc(40);
	for (unsigned i = 0; i < 8; i++) {
		if (i == gap && length > 1) {
			p[n++] = ':', p[n++] = ':';
			i += length - 1;
			continue;
		}
		if (n && p[n - 1] != ':') p[n++] = ':';
		for (int shift = 12; shift >= 0; shift -= 4)
			if (!shift || groups[i] >> shift) p[n++] = digits[groups[i] >> shift & 15];
	}
	return (registrar_text){p, n};
}

// registrar_is_name reports whether a host is a name as web pages have (RFC 1123 section 2.1). Underscores are allowed;
// a dot at the end is not, since browsers take such a host for another one.
static inline _Bool registrar_is_name(registrar_text host) {
	for (unsigned i = 0, label = 0; i <= host.len; i++) {
		if (i < host.len && host.ptr[i] != '.') {
			char c = host.ptr[i];
			if (!registrar_is_letter(c) && !registrar_is_digit(c) && c != '-' && c != '_') return 0;
			continue;
		}
		if (i == label || i - label > 63 || host.ptr[label] == '-' || host.ptr[i - 1] == '-') return 0;
		label = i + 1;
	}
	return host.len <= 253;
}

// registrar_read_host reads a host into a URI, whose scheme is set.
static inline _Bool registrar_read_host(registrar_uri *uri, registrar_text host) {
	unsigned groups[8], address;
	_Bool web = registrar_equal(uri->scheme, TEXT("https")) || registrar_equal(uri->scheme, TEXT("http"));
	uri->host = registrar_lower(host);
	if (!host.len) return !web;
	if (host.ptr[0] == '[') {
		if (host.ptr[host.len - 1] != ']' || !registrar_ipv6(registrar_part(host, 1, host.len - 1), groups)) return 0;
		uri->host = registrar_write_ipv6(groups);
		// RFC 4291 section 2.5.5.2: ::ffff:192.0.2.1 is an IPv4 address.
		return groups[0] || groups[1] || groups[2] || groups[3] || groups[4] || groups[5] != 0xffff;
	}
	if (registrar_find(host, TEXT("[]%*")) < host.len) return 0;
	if (registrar_ends_in_number(host)) return registrar_ipv4(host, &address);
	return !web || registrar_is_name(host);
}

// registrar_read_authority reads user information, host and port (RFC 3986 section 3.2) into a URI, whose scheme is
// set.
static inline _Bool registrar_read_authority(registrar_uri *uri, registrar_text authority) {
	registrar_text host = registrar_cut(&authority, TEXT("@"));
	if (host.ptr) {
		uri->user_info = authority;
		if (registrar_find(authority, TEXT("[]")) < authority.len || registrar_find(host, TEXT("@")) < host.len) return 0;
	} else {
		host = authority;
	}
	unsigned after = 0; // where a port may begin
	if (host.len && host.ptr[0] == '[') after = registrar_find(host, TEXT("]"));
	registrar_text rest = registrar_part(host, after, host.len);
	registrar_text port = registrar_cut(&rest, TEXT(":"));
	host.len = after + rest.len;
	for (unsigned i = 0; i < port.len; i++) {
		if (!registrar_is_digit(port.ptr[i])) return 0;
		uri->port = 10 * (uri->port < 0 ? 0 : uri->port) + port.ptr[i] - '0';
		if (uri->port > 65535) return 0;
	}
	return (host.len || uri->port < 0) && registrar_read_host(uri, host);
}

// registrar_parse_uri sets the parts of an absolute URI, and returns false for any other text. It refuses what programs
// read in different ways, so that a rule about hosts sees the host that a browser connects to, as the server does:
// characters outside RFC 3986 section 2, a percent sign without two digits after it or in the host, a second @, an http
// or https URI without a host of letters, digits, hyphens, underscores and dots, a port above 65535, an IPv4 address in
// another spelling than four decimal numbers, an IPv6 address with a zone or of an IPv4 address. Unlike the server it
// accepts user information, every scheme, and each host name that begins with xn--.
static inline _Bool registrar_parse_uri(registrar_text text, registrar_uri *uri) {
	const registrar_text none = {0, 0}; // part by part, since a large initializer might need memset of a C library
	uri->scheme = uri->user_info = uri->host = uri->path = uri->query = uri->fragment = none;
	uri->port = -1;
	registrar_text scheme = text;
	registrar_text rest = registrar_cut(&scheme, TEXT(":"));
	if (!rest.ptr || !registrar_is_uri_text(text) || !registrar_is_scheme(scheme)) return 0;
	uri->scheme = registrar_lower(scheme);
	uri->fragment = registrar_cut(&rest, TEXT("#"));
	uri->query = registrar_cut(&rest, TEXT("?"));
	registrar_text authority = {rest.ptr, 0};
	if (registrar_begins(rest, TEXT("//"))) {
		rest = registrar_part(rest, 2, rest.len);
		unsigned end = registrar_find(rest, TEXT("/"));
		authority = registrar_part(rest, 0, end);
		rest = registrar_part(rest, end, rest.len);
	}
	uri->path = rest;
	if (registrar_find(uri->path, TEXT("[]")) < uri->path.len) return 0;
	if (registrar_find(uri->query, TEXT("[]")) < uri->query.len) return 0;
	if (registrar_find(uri->fragment, TEXT("[]#")) < uri->fragment.len) return 0;
	return registrar_read_authority(uri, authority);
}

#endif
