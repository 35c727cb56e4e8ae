// Keeps clients off a host: a redirect URI on evil.example is refused, whatever port, user or letter case it is written
// with. It reads the request, before the base has looked at it. There a backslash may stand for any character, so a
// URI that holds one is refused too; but a member name written with escapes is not found. A policy for production reads
// the client after call_base instead (see mcp-policy.ts).
#include "registrar.h"

static char request[64 * 1024 + 1];

static int is_evil(const char *p, const char *end) {
	static const char evil[] = "evil.example";
	while (p + 3 <= end && !(p[0] == ':' && p[1] == '/' && p[2] == '/')) p++;
	if (p + 3 > end) return 0;
	const char *host = p += 3;
	for (; p < end && *p != '/' && *p != '?' && *p != '#'; p++)
		if (*p == '@') host = p + 1;
	const char *e = evil;
	while (host < p && *e && (*host | 0x20) == (*e | 0x20)) host++, e++;
	if (!*e && host < p && *host == '.') host++; // the root's dot: the same host
	return !*e && (host == p || *host == ':');
}

static int refuse(void) {
	static const char code[] = "invalid_redirect_uri", text[] = "the redirect URI host evil.example is not allowed";
	registrar_refuse(code, sizeof code - 1, text, sizeof text - 1);
	return 1;
}

STEP(set_redirect_uris) {
	int len = registrar_read_request(request, sizeof request - 1);
	if (len >= (int)sizeof request) return 2;
	request[len] = 0;
	const char *p = registrar_member(request, "redirect_uris");
	if (p && *p == '[')
		for (p++; *p && *p != ']'; p++) {
			if (*p != '"') continue;
			const char *start = ++p;
			int escaped = 0;
			for (; *p && *p != '"'; p++)
				if (*p == '\\' && p[1]) escaped = 1, p++;
			if (!*p) break;
			if (escaped || is_evil(start, p)) return refuse();
		}
	return registrar_call_base();
}
