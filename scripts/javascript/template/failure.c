// How a script fails, and what its functions take.

#include <stdio.h>
#include <string.h>

#include "shim.h"

_Noreturn void fail_with_exception(JSContext *c) {
	JSValue e = JS_GetException(c);
	JS_SetMaxStackSize(runtime, FAILURE_STACK); // after a stack overflow too there is some
	const char *what = JS_ToCString(c, e);
	JSValue stack = JS_IsError(c, e) ? JS_GetPropertyStr(c, e, "stack") : JS_UNDEFINED;
	const char *where = JS_IsString(stack) ? JS_ToCString(c, stack) : NULL;

	char reason[1024], author[2048]; // the host takes 1,000 bytes of it
	int n = snprintf(reason, sizeof reason, "%s", what ? what : "an exception that cannot be shown as text was thrown");
	for (const char *p = where; p && *p && n < (int)sizeof reason;) { // each line of it is "    at …"
		p += strspn(p, " ");
		int length = strcspn(p, "\n");
		if (length) n += snprintf(reason + n, sizeof reason - n, "; %.*s", length, p);
		p += length, p += *p == '\n';
	}
	positions_rewrite(reason, author, sizeof author);
	host_fail(author, strlen(author));
	__builtin_trap();
}

int take_count(JSContext *c, JSValueConst v, const char *what, uint32_t most, uint32_t *n) {
	double d = -1;
	if (JS_IsNumber(v) && JS_ToFloat64(c, &d, v)) return 0;
	if (!(d >= 0 && d <= most && d == (uint32_t)d)) {
		JS_ThrowRangeError(c, "%s must be a whole number, 0 to %u", what, most);
		return 0;
	}
	*n = d;
	return 1;
}

int in_step(JSContext *c) {
	if (!depth) JS_ThrowTypeError(c, "this works in a step only, and not while the script is loaded");
	return depth;
}

// well_formed reports whether a text has no lone surrogate, which UTF-8 has no form for. QuickJS writes one as three
// bytes that begin with ED and one of A0 to BF.
static int well_formed(text t) {
	for (const char *p = t.p; (p = memchr(p, 0xed, t.p + t.n - p)); p++)
		if ((uint8_t)p[1] >= 0xa0) return 0;
	return 1;
}

int take(JSContext *c, JSValueConst v, const char *what, size_t least, size_t most, text *t) {
	if (!JS_IsString(v)) return JS_ThrowTypeError(c, "%s must be a string", what), 0;
	if (!(t->p = JS_ToCStringLen(c, &t->n, v))) return 0;
	if (t->n < least || t->n > most)
		JS_ThrowRangeError(c, "%s has %zu bytes: it must have %zu to %zu", what, t->n, least, most);
	else if (!well_formed(*t))
		JS_ThrowTypeError(c, "%s must be well-formed, without half a surrogate pair", what);
	else
		return 1;
	JS_FreeCString(c, t->p);
	return 0;
}
