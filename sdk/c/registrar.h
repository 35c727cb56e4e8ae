// registrar.h is the SDK for registration scripts in C: typed host functions of registrar_v1, and a small JSON reader.
// It needs a compiler for wasm32, but no C library. Include it in one file of the script; it includes registrar_json.h,
// registrar_config.h, registrar_text.h and registrar_uri.h, which are beside it.
//
//     #include "registrar.h"
//
//     STEP(add_client_id) {
//         registrar_set_client_id(registrar_join(TEXT("acme-"), registrar_random_hex(16)));
//         return REGISTRAR_DONE;
//     }
//
//     clang --target=wasm32 -std=c11 -ffreestanding -nostdlib -Oz -Wl,--no-entry,--strip-all -o script.wasm script.c
//
// Names that end in "_import" are host functions; the functions below call them. Functions that read or change the
// registration work only inside a step. A script that traps, or calls registrar_fail, fails: the client gets a 500, and
// nothing is stored.
#ifndef REGISTRAR_H
#define REGISTRAR_H

// STEP(name) { … } defines the function that replaces a step. It returns one of the two constants below.
#define STEP(name) __attribute__((export_name(#name))) int name(void)

enum {
	REGISTRAR_DONE = 0,    // the script's changes are kept
	REGISTRAR_REFUSED = 1, // the registration is refused, for the reason of registrar_refuse or else of the base
};

// A text is UTF-8 without a terminating NUL. ptr is 0 if there is none.
typedef struct {
	const char *ptr;
	unsigned len;
} registrar_text;

// TEXT("…") is the text of a literal.
#define TEXT(literal) ((registrar_text){"" literal, sizeof(literal) - 1})

// A registrar_json is the text of a JSON value. text.ptr is 0 if there is none, which every function below accepts.
typedef struct {
	registrar_text text;
} registrar_json;

// The host.

#define REGISTRAR_IMPORT(name) __attribute__((import_module("registrar_v1"), import_name(#name))) extern
REGISTRAR_IMPORT(read_context) int registrar_read_context_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(read_request) int registrar_read_request_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(read_client) int registrar_read_client_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(read_statement) int registrar_read_statement_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(read_caller) int registrar_read_caller_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(read_config) int registrar_read_config_import(char *buf, unsigned cap);
REGISTRAR_IMPORT(client_exists) int registrar_client_exists_import(const char *ptr, unsigned len);
REGISTRAR_IMPORT(patch_client) int registrar_patch_client_import(const char *ptr, unsigned len);
REGISTRAR_IMPORT(patch_request) int registrar_patch_request_import(const char *ptr, unsigned len);
REGISTRAR_IMPORT(set_client_id) void registrar_set_client_id_import(const char *ptr, unsigned len);
REGISTRAR_IMPORT(set_client_secret)
void registrar_set_client_secret_import(const char *ptr, unsigned len, long long expires_in);
REGISTRAR_IMPORT(get_item) int registrar_get_item_import(const char *key, unsigned key_len, char *buf, unsigned cap);
REGISTRAR_IMPORT(set_item)
void registrar_set_item_import(const char *key, unsigned key_len, const char *ptr, unsigned len);
REGISTRAR_IMPORT(call_base) int registrar_call_base_import(void);
REGISTRAR_IMPORT(refuse)
void registrar_refuse_import(const char *code, unsigned code_len, const char *ptr, unsigned len);
REGISTRAR_IMPORT(fail) void registrar_fail_import(const char *ptr, unsigned len);
REGISTRAR_IMPORT(log) void registrar_log_import(int level, const char *ptr, unsigned len);
REGISTRAR_IMPORT(random) void registrar_random_import(void *ptr, unsigned len);
REGISTRAR_IMPORT(now) long long registrar_now_import(void);
#undef REGISTRAR_IMPORT

// registrar_fail ends the script with a failure, for a reason that the server's log shows: registrar_fail(TEXT("…")).
static inline _Noreturn void registrar_fail(registrar_text reason) {
	registrar_fail_import(reason.ptr, reason.len);
	__builtin_trap();
}

// Memory. Nothing is freed, since an instance serves one registration. When the buffer is full, the memory grows, which
// works beside a C library. A script fails if the memory cannot grow.

#ifndef REGISTRAR_BUFFER
#define REGISTRAR_BUFFER 16384 // bytes of the first buffer
#endif

static char registrar_buffer[REGISTRAR_BUFFER];
static char *registrar_free = registrar_buffer;
static unsigned registrar_left = REGISTRAR_BUFFER;

// registrar_alloc returns n bytes, not aligned.
static inline char *registrar_alloc(unsigned n) {
	if (n > registrar_left) {
		if (n > 1u << 28) registrar_fail(TEXT("registrar_alloc: more than 256 MiB are asked for"));
		unsigned pages = (n + 65535) / 65536;
		__SIZE_TYPE__ was = __builtin_wasm_memory_grow(0, pages);
		if (was == (__SIZE_TYPE__)-1) registrar_fail(TEXT("registrar_alloc: the memory cannot grow"));
		registrar_free = (char *)(was * 65536);
		registrar_left = pages * 65536;
	}
	char *p = registrar_free;
	registrar_free += n;
	registrar_left -= n;
	return p;
}

// Texts.

static inline void registrar_copy(char *to, const char *from, unsigned len) {
	for (unsigned i = 0; i < len; i++) to[i] = from[i];
}

static inline _Bool registrar_equal(registrar_text a, registrar_text b) {
	if (a.len != b.len) return 0;
	for (unsigned i = 0; i < a.len; i++)
		if (a.ptr[i] != b.ptr[i]) return 0;
	return 1;
}

// registrar_begins reports whether a text begins with a prefix.
static inline _Bool registrar_begins(registrar_text text, registrar_text prefix) {
	return text.len >= prefix.len && registrar_equal((registrar_text){text.ptr, prefix.len}, prefix);
}

// registrar_has_word reports whether a list of words separated by spaces, such as scope, has a word.
static inline _Bool registrar_has_word(registrar_text list, registrar_text word) {
	for (unsigned from = 0, i = 0; i <= list.len; i++) {
		if (i < list.len && list.ptr[i] != ' ') continue;
		if (i > from && registrar_equal((registrar_text){list.ptr + from, i - from}, word)) return 1;
		from = i + 1;
	}
	return 0;
}

static inline registrar_text registrar_join(registrar_text a, registrar_text b) {
	char *p = registrar_alloc(a.len + b.len);
	registrar_copy(p, a.ptr, a.len);
	registrar_copy(p + a.len, b.ptr, b.len);
	return (registrar_text){p, a.len + b.len};
}

// registrar_decimal returns a number as decimal text.
static inline registrar_text registrar_decimal(long long n) {
	char *p = registrar_alloc(20);
	unsigned at = 20;
	unsigned long long rest = n < 0 ? -(unsigned long long)n : (unsigned long long)n;
	do p[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0) p[--at] = '-';
	return (registrar_text){p + at, 20 - at};
}

// registrar_quote returns a text as a JSON string.
static inline registrar_text registrar_quote(registrar_text text) {
	static const char digits[] = "0123456789abcdef";
	if (text.len > 1u << 24) registrar_fail(TEXT("registrar_quote: the text has more than 16 MiB"));
	char *p = registrar_alloc(6 * text.len + 2);
	unsigned n = 0;
	p[n++] = '"';
	for (unsigned i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '"' || c == '\\') p[n++] = '\\';
		if (c >= ' ') {
			p[n++] = (char)c;
			continue;
		}
		registrar_copy(p + n, "\\u00", 4);
		p[n + 4] = digits[c >> 4];
		p[n + 5] = digits[c & 15];
		n += 6;
	}
	p[n++] = '"';
	return (registrar_text){p, n};
}

#include "registrar_json.h"

// Reading. Each call reads the current value from the host into new memory: keep what you use twice.

#define REGISTRAR_READ(call)                                                        \
	unsigned cap = 2048;                                                        \
	for (;;) {                                                                  \
		char *buf = registrar_alloc(cap);                                   \
		int len = call;                                                     \
		if (len < 0) return (registrar_text){0, 0};                         \
		if ((unsigned)len <= cap) {                                         \
			registrar_free -= cap - (unsigned)len; /* the rest is free */ \
			registrar_left += cap - (unsigned)len;                      \
			return (registrar_text){buf, (unsigned)len};                \
		}                                                                   \
		registrar_free -= cap;                                              \
		registrar_left += cap;                                              \
		cap = (unsigned)len;                                                \
	}

static inline registrar_text registrar_context_text(void) { REGISTRAR_READ(registrar_read_context_import(buf, cap)) }
static inline registrar_text registrar_request_text(void) { REGISTRAR_READ(registrar_read_request_import(buf, cap)) }
static inline registrar_text registrar_client_text(void) { REGISTRAR_READ(registrar_read_client_import(buf, cap)) }
static inline registrar_text registrar_statement_text(void) {
	REGISTRAR_READ(registrar_read_statement_import(buf, cap))
}
static inline registrar_text registrar_caller_text(void) { REGISTRAR_READ(registrar_read_caller_import(buf, cap)) }
static inline registrar_text registrar_config_text(void) { REGISTRAR_READ(registrar_read_config_import(buf, cap)) }

// registrar_item returns an item that this or another script set in this registration; ptr is 0 if there is none.
static inline registrar_text registrar_item(registrar_text key) {
	REGISTRAR_READ(registrar_get_item_import(key.ptr, key.len, buf, cap))
}
#undef REGISTRAR_READ

// registrar_context returns {"operation","step","mode"}. Treat unknown operations as "register" and unknown modes as
// "enforce".
static inline registrar_json registrar_context(void) { return (registrar_json){registrar_context_text()}; }
// registrar_request returns the metadata that the client requests, as sent.
static inline registrar_json registrar_request(void) { return (registrar_json){registrar_request_text()}; }
// registrar_client returns the client as built so far: its metadata, and client_id once it is set; never a secret.
static inline registrar_json registrar_client(void) { return (registrar_json){registrar_client_text()}; }
// registrar_statement returns the verified claims of the software statement; not set if the request had none.
static inline registrar_json registrar_statement(void) { return (registrar_json){registrar_statement_text()}; }
// registrar_caller returns {"auth","issuer","subject","token_id","scopes","ip","claims"} of the caller, without unknown
// members.
static inline registrar_json registrar_caller(void) { return (registrar_json){registrar_caller_text()}; }
// registrar_config returns this script's config from the deployment, {} if it has none.
static inline registrar_json registrar_config(void) { return (registrar_json){registrar_config_text()}; }

#include "registrar_config.h"

// registrar_now returns the arrival time of the request, in milliseconds since 1970. It is constant in a registration.
static inline long long registrar_now(void) { return registrar_now_import(); }

// registrar_client_exists reports whether a client ID is taken.
static inline _Bool registrar_client_exists(registrar_text id) {
	return registrar_client_exists_import(id.ptr, id.len) != 0;
}

// registrar_random fills a buffer with random bytes. All scripts of a registration together may read 4 KiB.
static inline void registrar_random(void *buf, unsigned len) { registrar_random_import(buf, len); }

// registrar_random_hex returns n random bytes as 2n hexadecimal digits.
static inline registrar_text registrar_random_hex(unsigned n) {
	static const char digits[] = "0123456789abcdef";
	if (n > 4096) registrar_fail(TEXT("registrar_random_hex: more than 4096 bytes are asked for"));
	char *p = registrar_alloc(2 * n);
	registrar_random_import(p + n, n);
	for (unsigned i = 0; i < n; i++) { // the bytes are in the second half: the digits never overtake them
		unsigned char b = (unsigned char)p[n + i];
		p[2 * i] = digits[b >> 4];
		p[2 * i + 1] = digits[b & 15];
	}
	return (registrar_text){p, 2 * n};
}

// Writing.

// registrar_base runs what this step replaced. It returns REGISTRAR_DONE or REGISTRAR_REFUSED, which the step may
// return or overrule. It may be called once in a step.
static inline int registrar_base(void) { return registrar_call_base_import(); }

// registrar_refuse sets the reason of a refusal and returns REGISTRAR_REFUSED. The code is "invalid_redirect_uri",
// "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement", "invalid_token" (401) or
// "insufficient_scope" (403).
static inline int registrar_refuse(registrar_text code, registrar_text description) {
	registrar_refuse_import(code.ptr, code.len, description.ptr, description.len);
	return REGISTRAR_REFUSED;
}

// registrar_set_client_id sets the client ID, in add_client_id: 1 to 255 visible ASCII characters.
static inline void registrar_set_client_id(registrar_text id) { registrar_set_client_id_import(id.ptr, id.len); }

#define REGISTRAR_DEFAULT_LIFETIME 0 // the server's --secret-lifetime
#define REGISTRAR_NEVER_EXPIRES (-1) // as long as the client

// registrar_set_client_secret sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII
// characters, which must be unguessable. seconds is its lifetime, or one of the constants above.
static inline void registrar_set_client_secret(registrar_text secret, long long seconds) {
	registrar_set_client_secret_import(secret.ptr, secret.len, seconds);
}

// registrar_patch changes the client's metadata by a JSON Merge Patch (RFC 7396). It returns false and changes nothing
// if the patch is invalid or changes members that scripts may not change; the script's log has the reason.
static inline __attribute__((warn_unused_result)) _Bool registrar_patch(registrar_text patch) {
	return registrar_patch_client_import(patch.ptr, patch.len) == 0;
}

// registrar_patch_request changes the request by a JSON Merge Patch (RFC 7396), as the steps that have not yet run read
// it: call it before registrar_base. It returns false and changes nothing if the patch is invalid, or changes members
// that an earlier step has set, that the software statement has, or that scripts may not change; the script's log has
// the reason.
static inline __attribute__((warn_unused_result)) _Bool registrar_patch_request(registrar_text patch) {
	return registrar_patch_request_import(patch.ptr, patch.len) == 0;
}

// registrar_set sets a member of the client's metadata to a string, as registrar_patch does.
static inline __attribute__((warn_unused_result)) _Bool registrar_set(registrar_text member, registrar_text text) {
	registrar_text patch = registrar_join(registrar_join(TEXT("{"), registrar_quote(member)), TEXT(":"));
	return registrar_patch(registrar_join(registrar_join(patch, registrar_quote(text)), TEXT("}")));
}

// registrar_set_item sets an item for later steps of this registration: at most 64 of 4 KiB, with keys of at most 255
// bytes.
static inline void registrar_set_item(registrar_text key, registrar_text value) {
	registrar_set_item_import(key.ptr, key.len, value.ptr, value.len);
}

enum { REGISTRAR_DEBUG, REGISTRAR_INFO, REGISTRAR_WARN, REGISTRAR_ERROR };

// registrar_log writes a line to the server's log. A registration may log 32 lines, 4 KiB in total; more are dropped
// and counted.
static inline void registrar_log(int level, registrar_text line) { registrar_log_import(level, line.ptr, line.len); }

#include "registrar_text.h"
#include "registrar_uri.h"

#endif
