// registrar_json.h reads JSON. registrar.h includes it.
//
// Values from the host are strict: no duplicate members, valid UTF-8. In text that is not JSON, such as an item may have,
// the functions find nothing, or what precedes the error; they never read beyond the text.
#ifndef REGISTRAR_JSON_H
#define REGISTRAR_JSON_H

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

#endif
