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

FUNCTION(random) {
	uint32_t n;
	uint8_t b[MAX_RANDOM];
	if (!take_count(c, argv[0], "the number of random bytes", sizeof b, &n) || !draw(c, b, n)) return JS_EXCEPTION;
	// JS_NewTypedArray reads three arguments, whatever number it is given.
	JSValue arguments[] = {JS_NewArrayBufferCopy(c, b, n), JS_UNDEFINED, JS_UNDEFINED};
	JSValue array = JS_NewTypedArray(c, 1, arguments, JS_TYPED_ARRAY_UINT8);
	JS_FreeValue(c, arguments[0]);
	return array;
}

FUNCTION(randomHex) {
	uint32_t n;
	uint8_t b[256];
	char hex[2 * sizeof b];
	if (!take_count(c, argv[0], "the number of random bytes", sizeof b, &n) || !draw(c, b, n)) return JS_EXCEPTION;
	for (uint32_t i = 0; i < n; i++)
		hex[2 * i] = "0123456789abcdef"[b[i] >> 4], hex[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
	return JS_NewStringLen(c, hex, 2 * n);
}

// take_alphabet reads 2 to 128 different ASCII characters, and throws an exception for anything else.
static int take_alphabet(JSContext *c, JSValueConst v, text *t) {
	if (!take(c, v, "the alphabet", 0, MAX_VALUE, t)) return 0;
	char seen[128] = {0};
	const char *problem = t->n < 2 ? "must have 2 characters at least" : NULL;
	for (size_t i = 0; i < t->n && !problem; i++) {
		uint8_t b = t->p[i];
		if (b >= 128) problem = "has a character outside ASCII";
		else if (seen[b]++) problem = "has a character twice, which would be twice as likely";
	}
	if (!problem) return 1;
	JS_ThrowRangeError(c, "the alphabet %s", problem);
	JS_FreeCString(c, t->p);
	return 0;
}

// randomText replaces the bytes from which some characters would follow more often than others.
FUNCTION(randomText) {
	text alphabet;
	uint32_t n, done = 0;
	char b[MAX_RANDOM];
	if (!take_count(c, argv[1], "the length", sizeof b, &n) || !take_alphabet(c, argv[0], &alphabet)) return JS_EXCEPTION;
	uint32_t limit = 256 - 256 % alphabet.n;
	while (done < n) {
		uint32_t from = done; // no byte is read after its character is written
		if (!draw(c, b + from, n - from)) return JS_FreeCString(c, alphabet.p), JS_EXCEPTION;
		for (uint32_t i = from; i < n; i++)
			if ((uint8_t)b[i] < limit) b[done++] = alphabet.p[(uint8_t)b[i] % alphabet.n];
	}
	JS_FreeCString(c, alphabet.p);
	return JS_NewStringLen(c, b, n);
}

// math_random replaces Math.random, which QuickJS seeds by the clock.
JSValue math_random(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
	uint64_t x;
	if (!draw(c, &x, sizeof x)) return JS_EXCEPTION;
	return JS_NewFloat64(c, (double)(x >> 11) / 9007199254740992.0); // 2^53
}
