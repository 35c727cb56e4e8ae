// What a C script imports from registrar_v1, under names that do not meet the C library's own (random, log).
// "ptr, len" is a range of bytes; a reading function returns the value's length and writes it only if it fits in cap.
#ifndef REGISTRAR_H
#define REGISTRAR_H

#define IMPORT(name) __attribute__((import_module("registrar_v1"), import_name(#name))) extern
#define STEP(name) __attribute__((export_name(#name))) int name(void)

IMPORT(read_context) int registrar_read_context(char *buf, unsigned cap);
IMPORT(read_request) int registrar_read_request(char *buf, unsigned cap);
IMPORT(read_client) int registrar_read_client(char *buf, unsigned cap);
IMPORT(read_statement) int registrar_read_statement(char *buf, unsigned cap); // -1: there is none
IMPORT(read_caller) int registrar_read_caller(char *buf, unsigned cap);
IMPORT(read_config) int registrar_read_config(char *buf, unsigned cap);
IMPORT(client_exists) int registrar_client_exists(const char *ptr, unsigned len);
IMPORT(patch_client) int registrar_patch_client(const char *ptr, unsigned len);
IMPORT(patch_request) int registrar_patch_request(const char *ptr, unsigned len);
IMPORT(set_client_id) void registrar_set_client_id(const char *ptr, unsigned len);
IMPORT(set_client_secret) void registrar_set_client_secret(const char *ptr, unsigned len, long long expires_in);
IMPORT(get_item) int registrar_get_item(const char *key, unsigned key_len, char *buf, unsigned cap); // -1: no such item
IMPORT(set_item) void registrar_set_item(const char *key, unsigned key_len, const char *ptr, unsigned len);
IMPORT(call_base) int registrar_call_base(void);
IMPORT(refuse) void registrar_refuse(const char *code, unsigned code_len, const char *text, unsigned text_len);
IMPORT(fail) _Noreturn void registrar_fail(const char *ptr, unsigned len);
IMPORT(log) void registrar_log(int level, const char *ptr, unsigned len);
IMPORT(random) void registrar_random(void *ptr, unsigned len);
IMPORT(now) long long registrar_now(void);

// The value of a member of the outermost object, or 0. Nesting is counted, so a member of that name further in, which
// the client may have sent, is not taken for it. json ends with a NUL. The name is compared as written: where it may
// hold an escape (read_request), it can hide; read_client and read_caller are written by the server, without.
static inline const char *registrar_member(const char *json, const char *name) {
	int depth = 0;
	for (const char *p = json; *p; p++) {
		if (*p == '{' || *p == '[') depth++;
		if (*p == '}' || *p == ']') depth--;
		if (*p != '"') continue;
		const char *start = p + 1, *n = name;
		for (p++; *p && *p != '"'; p++)
			if (*p == '\\' && p[1]) p++;
		if (!*p) return 0;
		if (depth != 1) continue;
		while (start < p && *start == *n) start++, n++;
		if (start < p || *n) continue;
		const char *value = p + 1;
		while (*value == ' ' || *value == '\t' || *value == '\n' || *value == '\r') value++;
		if (*value++ != ':') continue;
		while (*value == ' ' || *value == '\t' || *value == '\n' || *value == '\r') value++;
		return value;
	}
	return 0;
}

#endif
