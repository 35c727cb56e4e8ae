// registrar.h is the SDK for registration scripts in C: typed host functions of registrar_v1, and a small JSON reader.
// It needs a compiler for wasm32, but no C library. Include it in one file of the script; it includes registrar_text.h
// and registrar_uri.h, which are beside it.
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

// JSON. Values from the host are strict: no duplicate members, valid UTF-8. In text that is not JSON, such as an item
// may have, the functions find nothing, or what precedes the error; they never read beyond the text.

static inline _Bool registrar_is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A registrar_list iterates over the elements of a list, or the members of an object.
typedef struct {
	const char *at, *end;
		char close; // the closing bracket; 0 for other values
} registrar_list;

static inline _Bool registrar_take(registrar_list *l, char c) {
	while (l->at < l->end && registrar_is_space(*l->at)) l->at++;
	if (l->at == l->end || *l->at != c) return 0;
	l->at++;
	return 1;
}

// registrar_value returns the next value and skips it. It does not recurse, however deeply the value nests.
static inline registrar_json registrar_value(registrar_list *l) {
	while (l->at < l->end && registrar_is_space(*l->at)) l->at++;
	const char *from = l->at;
	unsigned depth = 0;
	for (; l->at < l->end; l->at++) {
		char c = *l->at;
		if (c == '"') {
			for (l->at++; l->at < l->end && *l->at != '"'; l->at++)
				if (*l->at == '\\' && l->at + 1 < l->end) l->at++;
			if (l->at == l->end) break;
			if (!depth) {
				l->at++;
				break;
			}
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
						if (!depth) break; // the end of the enclosing value
			if (!--depth) {
				l->at++;
				break;
			}
		} else if (!depth && (c == ',' || c == ':' || registrar_is_space(c))) {
			break;
		}
	}
	return (registrar_json){{l->at > from ? from : 0, (unsigned)(l->at - from)}};
}

static inline registrar_list registrar_open(registrar_json json, char open, char close) {
	registrar_list l = {json.text.ptr, json.text.ptr + json.text.len, 0};
	if (json.text.ptr && registrar_take(&l, open)) l.close = close;
	return l;
}

static inline _Bool registrar_more(registrar_list *l) {
	if (!l->close || registrar_take(l, l->close)) return 0;
	registrar_take(l, ',');
	return l->at < l->end;
}

// registrar_elements and registrar_next iterate over a list; other values have no elements:
//
//     registrar_json uri;
//     for (registrar_list l = registrar_elements(uris); registrar_next(&l, &uri);) …
static inline registrar_list registrar_elements(registrar_json json) { return registrar_open(json, '[', ']'); }

static inline _Bool registrar_next(registrar_list *l, registrar_json *element) {
	if (!registrar_more(l)) return 0;
	*element = registrar_value(l);
	return element->text.ptr != 0;
}

// registrar_is_set reports whether a value is present and not null. In metadata, null means absent.
static inline _Bool registrar_is_set(registrar_json json) {
	return json.text.ptr && !registrar_equal(json.text, TEXT("null"));
}

// registrar_is_true reports whether a value is true.
static inline _Bool registrar_is_true(registrar_json json) { return registrar_equal(json.text, TEXT("true")); }

// registrar_int returns a number that is written without fraction and exponent, else otherwise.
static inline long long registrar_int(registrar_json json, long long otherwise) {
	const char *p = json.text.ptr, *end = p + json.text.len;
	_Bool negative = p && p < end && *p == '-';
	if (negative) p++;
	if (!p || p == end) return otherwise;
	const long long least = -9223372036854775807LL - 1;
		long long n = 0; // negative, since there is one more negative number
	for (; p < end; p++) {
		int digit = *p - '0';
		if (digit < 0 || digit > 9 || n < least / 10) return otherwise;
		n *= 10;
		if (n < least + digit) return otherwise;
		n -= digit;
	}
	if (negative) return n;
	return n == least ? otherwise : -n;
}

// registrar_unit decodes \uXXXX at p. It returns -1 if there is none.
static inline int registrar_unit(const char *p, const char *end) {
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
	int n = 0;
	for (int i = 2; i < 6; i++) {
		char c = p[i];
		if (c >= '0' && c <= '9') n = n * 16 + c - '0';
		else if (c >= 'a' && c <= 'f') n = n * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F') n = n * 16 + c - 'A' + 10;
		else return -1;
	}
	return n;
}

static inline unsigned registrar_utf8(char *to, int c) {
	if (c < 0x80) return to[0] = (char)c, 1;
	if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

// registrar_escape decodes the escape at p and returns its length in bytes. Half a surrogate pair is U+FFFD.
static inline unsigned registrar_escape(const char *p, const char *end, char *to, unsigned *n) {
	int c = registrar_unit(p, end), low;
	if (c >= 0xd800 && c < 0xe000) {
		low = registrar_unit(p + 6, end);
		if (c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			*n += registrar_utf8(to + *n, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			return 12;
		}
		c = 0xfffd;
	}
	if (c >= 0) {
		*n += registrar_utf8(to + *n, c);
		return 6;
	}
	switch (p[1]) {
	case 'b': c = '\b'; break;
	case 'f': c = '\f'; break;
	case 'n': c = '\n'; break;
	case 'r': c = '\r'; break;
	case 't': c = '\t'; break;
	default: c = p[1];
	}
	to[(*n)++] = (char)c;
	return 2;
}

// registrar_string returns the text of a string. Other values have none.
static inline registrar_text registrar_string(registrar_json json) {
	const char *p = json.text.ptr, *end = p + json.text.len;
	if (json.text.len < 2 || *p != '"' || end[-1] != '"') return (registrar_text){0, 0};
	p++, end--;
	const char *plain = p;
	while (plain < end && *plain != '\\') plain++;
	if (plain == end) return (registrar_text){p, (unsigned)(end - p)};
	char *to = registrar_alloc((unsigned)(end - p) + 4);
	unsigned n = 0;
	while (p < end) {
		if (*p != '\\') to[n++] = *p++;
		else if (p + 1 == end) return (registrar_text){0, 0};
		else p += registrar_escape(p, end, to, &n);
	}
	return (registrar_text){to, n};
}

// registrar_member returns a member of an object, and registrar_get one whose name is a literal. Escapes in names are
// decoded.
static inline registrar_json registrar_member(registrar_json json, registrar_text name) {
	registrar_list l = registrar_open(json, '{', '}');
	while (registrar_more(&l)) {
		registrar_json key = registrar_value(&l);
		if (!registrar_take(&l, ':')) break;
		registrar_json value = registrar_value(&l);
		if (key.text.ptr && registrar_equal(registrar_string(key), name)) return value;
	}
	return (registrar_json){{0, 0}};
}
#define registrar_get(json, literal) registrar_member(json, TEXT(literal))

// registrar_contains reports whether a list has a string.
static inline _Bool registrar_contains(registrar_json list, registrar_text text) {
	registrar_json element;
	for (registrar_list l = registrar_elements(list); registrar_next(&l, &element);) {
		registrar_text string = registrar_string(element);
		if (string.ptr && registrar_equal(string, text)) return 1;
	}
	return 0;
}

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
static inline registrar_text registrar_statement_text(void) { REGISTRAR_READ(registrar_read_statement_import(buf, cap)) }
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

// Members of the config that must be there. If one is missing, null or of another type, the script fails, and the
// server's log says which:
//
//     registrar_json brands = registrar_required_strings(registrar_require(registrar_config(), TEXT("brands")));
//
// Members that a caller sends are not for these functions: refuse the client instead.

// A registrar_required is a member of the config that is there.
typedef struct {
	registrar_json json;   // not null
	registrar_text member; // its name, after those of the objects that it is in
} registrar_required;

static inline _Noreturn void registrar_require_fail(registrar_text member, registrar_text problem) {
	registrar_text reason = registrar_join(TEXT("config: member \""), member);
	registrar_fail(registrar_join(registrar_join(reason, TEXT("\" ")), problem));
}

static inline registrar_required
registrar_require_as(registrar_json object, registrar_text name, registrar_text member) {
	registrar_required r = {registrar_member(object, name), member};
	if (!registrar_is_set(r.json)) registrar_require_fail(member, TEXT("is missing"));
	return r;
}

// registrar_require returns a member of the config that must be there.
static inline registrar_required registrar_require(registrar_json config, registrar_text name) {
	return registrar_require_as(config, name, name);
}

// registrar_required_string returns the text of a string.
static inline registrar_text registrar_required_string(registrar_required r) {
	if (*r.json.text.ptr != '"') registrar_require_fail(r.member, TEXT("must be a string"));
	return registrar_string(r.json);
}

// registrar_required_strings returns a list whose elements are strings; it may be empty. See registrar_elements.
static inline registrar_json registrar_required_strings(registrar_required r) {
	_Bool strings = *r.json.text.ptr == '[';
	registrar_json element;
	for (registrar_list l = registrar_elements(r.json); registrar_next(&l, &element);)
		if (*element.text.ptr != '"') strings = 0;
	if (!strings) registrar_require_fail(r.member, TEXT("must be a list of strings"));
	return r.json;
}

// registrar_required_int returns a number that fits a long long and is written without fraction and exponent.
static inline long long registrar_required_int(registrar_required r) {
	long long n = registrar_int(r.json, 0);
	if (!n && registrar_int(r.json, 1)) registrar_require_fail(r.member, TEXT("must be an integer"));
	return n;
}

// registrar_required_bool returns true or false.
static inline _Bool registrar_required_bool(registrar_required r) {
	_Bool is_true = registrar_is_true(r.json);
	if (!is_true && !registrar_equal(r.json.text, TEXT("false")))
		registrar_require_fail(r.member, TEXT("must be true or false"));
	return is_true;
}

// registrar_required_object returns an object.
static inline registrar_json registrar_required_object(registrar_required r) {
	if (*r.json.text.ptr != '{') registrar_require_fail(r.member, TEXT("must be an object"));
	return r.json;
}

// registrar_require_inside returns a member of the object that r must be.
static inline registrar_required registrar_require_inside(registrar_required r, registrar_text name) {
	registrar_text member = registrar_join(registrar_join(r.member, TEXT(".")), name);
	return registrar_require_as(registrar_required_object(r), name, member);
}

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
