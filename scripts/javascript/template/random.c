// Random data. It is drawn in steps only: what is drawn while the script is loaded, all registrations would share.

#include "shim.h"

static uint32_t drawn; // bytes, by this instance

// draw fills a buffer. The host ends a script that draws more than a registration may, so that is an exception here,
// which has a position. Other scripts may have drawn some of it.
static int draw(JSContext *c, void *buffer, uint32_t n) {
	if (!in_step(c)) return 0;
	if (drawn + n > MAX_RANDOM) {
		JS_ThrowRangeError(c, "%u random bytes after %u: a registration may draw %u", n, drawn, MAX_RANDOM);
		return 0;
	}
	drawn += n;
	host_random(buffer, n);
	return 1;
}

// take_count reads a number of bytes or characters and reports whether it is a whole number from 0 to most. Where it is
// not, it throws.
static int take_count(JSContext *c, JSValueConst v, const char *what, uint32_t most, uint32_t *n) {
	double d = -1;
	if (JS_IsNumber(v) && JS_ToFloat64(c, &d, v)) return 0;
	if (!(d >= 0 && d <= most && d == (uint32_t)d)) {
		JS_ThrowRangeError(c, "%s must be a whole number from 0 to %u", what, most);
		return 0;
	}
	*n = d;
	return 1;
}

JSValue js_random(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
	uint32_t n;
	uint8_t b[MAX_RANDOM];
	if (!take_count(c, argv[0], "the number of random bytes", sizeof b, &n) || !draw(c, b, n)) return JS_EXCEPTION;
	// JS_NewTypedArray reads three arguments, whatever number it is given.
	JSValue arguments[] = {JS_NewArrayBufferCopy(c, b, n), JS_UNDEFINED, JS_UNDEFINED};
	JSValue array = JS_NewTypedArray(c, 1, arguments, JS_TYPED_ARRAY_UINT8);
	JS_FreeValue(c, arguments[0]);
	return array;
}

JSValue js_randomHex(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
	uint32_t n;
	uint8_t b[256];
	char hex[2 * sizeof b];
	if (!take_count(c, argv[0], "the number of random bytes", sizeof b, &n) || !draw(c, b, n)) return JS_EXCEPTION;
	for (uint32_t i = 0; i < n; i++)
		hex[2 * i] = "0123456789abcdef"[b[i] >> 4], hex[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
	return JS_NewStringLen(c, hex, 2 * n);
}

// math_random replaces Math.random, which QuickJS seeds by the clock.
JSValue math_random(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
	uint64_t x;
	if (!draw(c, &x, sizeof x)) return JS_EXCEPTION;
	return JS_NewFloat64(c, (double)(x >> 11) / 9007199254740992.0); // 2^53
}
