// What policies need of texts. URIs and checksums are those of the SDK for C.

#include <string.h>

#include "registrar.h"
#include "shim.h"

// define adds a part of a URI to an object, unless it is absent, and reports whether that failed.
static int define(JSContext *c, JSValue o, const char *name, registrar_text part) {
	if (!part.ptr) return 0;
	return JS_DefinePropertyValueStr(c, o, name, JS_NewStringLen(c, part.ptr, part.len), JS_PROP_ENUMERABLE) < 0;
}

static JSValue uri_object(JSContext *c, const registrar_uri *u) {
	JSValue o = JS_NewObject(c);
	int failed = define(c, o, "scheme", u->scheme) || define(c, o, "userinfo", u->user_info) ||
	             define(c, o, "host", u->host);
	if (u->port >= 0)
		failed = failed || JS_DefinePropertyValueStr(c, o, "port", JS_NewInt32(c, u->port), JS_PROP_ENUMERABLE) < 0;
	failed = failed || define(c, o, "path", u->path) || define(c, o, "query", u->query) ||
	         define(c, o, "fragment", u->fragment) || JS_PreventExtensions(c, o) < 0;
	return failed ? JS_EXCEPTION : o;
}

FUNCTION(parseURI) {
	text t;
	registrar_uri u;
	if (!take(c, argv[0], "a URI", 0, MAX_VALUE, &t)) return JS_EXCEPTION;
	char *free = registrar_free; // of the SDK's allocator
	unsigned left = registrar_left;
	JSValue o = registrar_parse_uri((registrar_text){t.p, t.n}, &u) ? uri_object(c, &u) : JS_NULL;
	registrar_free = free, registrar_left = left;
	JS_FreeCString(c, t.p);
	return o;
}

FUNCTION(crc32) {
	text t;
	if (!take(c, argv[0], "the text", 0, MAX_VALUE, &t)) return JS_EXCEPTION;
	uint32_t crc = registrar_crc32((registrar_text){t.p, t.n});
	JS_FreeCString(c, t.p);
	return JS_NewUint32(c, crc);
}

FUNCTION(encodeBase62) {
	uint32_t n;
	if (!take_count(c, argv[0], "the number", UINT32_MAX, &n)) return JS_EXCEPTION;
	char *free = registrar_free;
	unsigned left = registrar_left;
	registrar_text digits = registrar_base62(n);
	registrar_free = free, registrar_left = left;
	return JS_NewStringLen(c, digits.ptr, digits.len);
}

// add_form adds a form of a member to a list at an index, and reports whether it did: it does not add one that is null.
static int add_form(JSContext *c, JSValue list, int index, JSValueConst object, JSAtom name, const char *tag) {
	JSValue value = JS_GetProperty(c, object, name);
	if (JS_IsNull(value) || JS_IsUndefined(value)) return 0;
	JSValue form = JS_NewObject(c);
	if (JS_IsException(value) || JS_IsException(form)) return -1;
	if (JS_DefinePropertyValueStr(c, form, "name", JS_AtomToString(c, name), JS_PROP_ENUMERABLE) < 0 ||
	    JS_DefinePropertyValueStr(c, form, "tag", JS_NewString(c, tag), JS_PROP_ENUMERABLE) < 0 ||
	    JS_DefinePropertyValueStr(c, form, "value", value, JS_PROP_ENUMERABLE) < 0)
		return -1;
	return JS_DefinePropertyValueUint32(c, list, index, form, JS_PROP_C_W_E) < 0 ? -1 : 1;
}

// tagged_forms adds the forms of a member to a list: those with a tag, or the one without. It returns how many the list
// has then, -1 for an exception.
static int tagged_forms(JSContext *c, JSValue list, int n, JSValueConst object, text member, int with_tag) {
	JSPropertyEnum *names;
	uint32_t count;
	if (JS_GetOwnPropertyNames(c, &names, &count, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) return -1;
	for (uint32_t i = 0; i < count && n >= 0; i++) {
		const char *name = JS_AtomToCString(c, names[i].atom);
		if (!name) n = -1;
		else if (!strncmp(name, member.p, member.n) && name[member.n] == (with_tag ? '#' : 0)) {
			int added = add_form(c, list, n, object, names[i].atom, name + member.n + with_tag);
			n = added < 0 ? -1 : n + added;
		}
		JS_FreeCString(c, name);
	}
	for (uint32_t i = 0; i < count; i++) JS_FreeAtom(c, names[i].atom);
	js_free(c, names);
	return n;
}

FUNCTION(tagged) {
	text member;
	if (!JS_IsObject(argv[0])) return JS_ThrowTypeError(c, "tagged takes an object, such as client, and a member's name");
	if (!take(c, argv[1], "the member's name", 1, MAX_VALUE, &member)) return JS_EXCEPTION;
	JSValue list = JS_NewArray(c);
	int n = JS_IsException(list) ? -1 : tagged_forms(c, list, 0, argv[0], member, 0);
	if (n >= 0) n = tagged_forms(c, list, n, argv[0], member, 1);
	JS_FreeCString(c, member.p);
	return n < 0 ? JS_EXCEPTION : list;
}
