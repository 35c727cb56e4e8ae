// Only callers with the scope "secrets" may register clients with a secret; anyone may register public clients. Built
// with a C library (wasi-libc, as a reactor: it has _initialize and imports WASI functions).
#include <stdio.h>
#include <string.h>

#include "registrar.h"

static char client[64 * 1024], caller[16 * 1024];

// Is the string among those of the array that begins at json?
static int holds(const char *json, const char *string) {
	if (!json || *json != '[') return 0;
	size_t len = strlen(string);
	for (const char *p = json; (p = strpbrk(p, "\"]")) && *p == '"'; p++) {
		const char *start = ++p;
		while (*p && *p != '"') p += *p == '\\' && p[1] ? 2 : 1;
		if (!*p) return 0;
		if ((size_t)(p - start) == len && !memcmp(start, string, len)) return 1;
	}
	return 0;
}

STEP(add_client_secret) {
	static const char code[] = "insufficient_scope", text[] = "a client secret needs the scope secrets";
	int client_len = registrar_read_client(client, sizeof client - 1);
	int caller_len = registrar_read_caller(caller, sizeof caller - 1);
	if (client_len >= (int)sizeof client || caller_len >= (int)sizeof caller) return 2;
	client[client_len] = caller[caller_len] = 0;

	const char *method = registrar_member(client, "token_endpoint_auth_method");
	if (method && !strncmp(method, "\"client_secret_", 15) && !holds(registrar_member(caller, "scopes"), "secrets")) {
		fprintf(stderr, "no secret for this caller\n");
		registrar_refuse(code, sizeof code - 1, text, sizeof text - 1);
		return 1;
	}
	return registrar_call_base();
}
