// The object that a step gets: the values of the host, and the functions that act on the registration. What the host
// would end the script for is an exception here where the shim can tell, since that has a position.

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shim.h"

// The values of the host, read and parsed when they are first asked for.

#define READER(name, function) {#name, host_##function},
static const struct {
	const char *name;
	int (*read)(void *, unsigned);
} values[] = {VALUES(READER)};

static JSValue cached[VALUE_COUNT]; // undefined where it was not asked for, or may have changed

void forget(JSContext *c, int i) {
	JS_FreeValue(c, cached[i]);
	cached[i] = JS_UNDEFINED;
}

// Another script's step may have patched the request and the client.
void forget_changed(JSContext *c) { forget(c, VALUE_request), forget(c, VALUE_client), forget(c, VALUE_context); }

static JSValue read_value(JSContext *c, JSValueConst self, int i) {
	if (!in_step(c)) return JS_EXCEPTION;
	if (!JS_IsUndefined(cached[i])) return JS_DupValue(c, cached[i]);
	char small[4096], *p = small;
	int n = values[i].read(small, sizeof small - 1); // the parser needs a NUL behind it
	if (n < 0) return JS_NULL;
	if (n >= (int)sizeof small) {
		if (!(p = malloc(n + 1))) return JS_ThrowOutOfMemory(c);
		values[i].read(p, n);
	}
	p[n] = 0;
	JSValue v = JS_ParseJSON(c, p, n, values[i].name);
	if (p != small) free(p);
	if (JS_IsException(v)) return v;
	engine_freeze(c, v);
	cached[i] = JS_DupValue(c, v);
	return v;
}

// Patches, refusals and the base.

// take_patch reads a merge patch. Its text is to be freed like that of take.
static int take_patch(JSContext *c, JSValueConst v, text *t) {
	if (!JS_IsObject(v) || JS_IsArray(c, v) || JS_IsFunction(c, v))
		return JS_ThrowTypeError(c, "a patch must be an object of members"), 0;
	JSValue json = JS_JSONStringify(c, v, JS_UNDEFINED, JS_UNDEFINED);
	int ok = !JS_IsException(json) && take(c, json, "a patch as JSON", 0, MAX_VALUE, t);
	JS_FreeValue(c, json);
	return ok;
}

// patch_with patches a value of the host, which is then read again.
static JSValue patch_with(JSContext *c, JSValueConst v, int (*patch)(const void *, unsigned), int value) {
	text t;
	if (!in_step(c) || !take_patch(c, v, &t)) return JS_EXCEPTION;
	int rejected = patch(t.p, t.n);
	JS_FreeCString(c, t.p);
	forget(c, value);
	return rejected ? JS_ThrowTypeError(c, "the patch is not allowed: the log says why") : JS_UNDEFINED;
}

FUNCTION(patch) { return patch_with(c, argv[0], host_patch_client, VALUE_client); }
FUNCTION(patchRequest) { return patch_with(c, argv[0], host_patch_request, VALUE_request); }

// refuse throws, so that the step ends without a return. A step that catches the exception has refused all the same.
FUNCTION(refuse) {
	text code, why;
	if (!in_step(c) || !take(c, argv[0], "the code of a refusal", 0, MAX_VALUE, &code)) return JS_EXCEPTION;
	if (take(c, argv[1], "the description of a refusal", 0, MAX_VALUE, &why)) {
		host_refuse(code.p, code.n, why.p, why.n);
		refused = 1;
		JS_FreeCString(c, why.p);
		JS_ThrowTypeError(c, "refused");
	}
	JS_FreeCString(c, code.p);
	return JS_EXCEPTION;
}

// run_base runs what the step replaced. It returns 0 for done, 1 for refused, and -1 for an exception. The base may run
// another step of this script.
static int run_base(JSContext *c) {
	if (!in_step(c)) return -1;
	if (based) return JS_ThrowTypeError(c, "base was called twice in one step"), -1;
	int refused_before = refused;
	const char *step = current_step;
	int status = host_call_base();
	refused = refused_before, based = 1, current_step = step;
	forget_changed(c);
	return status;
}

FUNCTION(base) {
	int status = run_base(c);
	if (status <= 0) return status ? JS_EXCEPTION : JS_UNDEFINED;
	refused = 1;
	return JS_ThrowTypeError(c, "refused by the base");
}

FUNCTION(tryBase) {
	int status = run_base(c);
	return status < 0 ? JS_EXCEPTION : JS_NewBool(c, !status);
}

// The client ID and the secret.

// works_in reports whether the current step is one of two. Where it is not, it throws.
static int works_in(JSContext *c, const char *function, const char *first, const char *second) {
	if (!in_step(c)) return 0;
	if (!strcmp(current_step, first) || (second && !strcmp(current_step, second))) return 1;
	JS_ThrowTypeError(c, "%s was called in %s: it works in %s%s%s only", function, current_step, first,
	                  second ? " and " : "", second ? second : "");
	return 0;
}

// visible reports whether a text is visible ASCII. Where it is not, it throws.
static int visible(JSContext *c, text t, const char *what) {
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '!' || t.p[i] > '~') return JS_ThrowTypeError(c, "%s must be visible ASCII", what), 0;
	return 1;
}

FUNCTION(setClientId) {
	text id;
	if (!works_in(c, "setClientId", "add_client_id", NULL) || !take(c, argv[0], "the client ID", 1, MAX_ID, &id))
		return JS_EXCEPTION;
	int good = visible(c, id, "the client ID");
	if (good && (!strcmp(id.p, ".") || !strcmp(id.p, "..") || !strncasecmp(id.p, "http://", 7) ||
	             !strncasecmp(id.p, "https://", 8)))
		good = 0, JS_ThrowTypeError(c, "the client ID must not be \".\" or \"..\" or begin like a URL");
	if (good) host_set_client_id(id.p, id.n);
	JS_FreeCString(c, id.p);
	forget(c, VALUE_client);
	return good ? JS_UNDEFINED : JS_EXCEPTION;
}

// take_expiry reads the lifetime of a secret, in seconds. A number such as NaN must not become the server's default.
static int take_expiry(JSContext *c, JSValueConst v, long long *seconds) {
	const double most = 100.0 * 365 * 24 * 60 * 60;
	double d = -2;
	*seconds = 0;
	if (JS_IsUndefined(v)) return 1;
	if (JS_IsNumber(v) && JS_ToFloat64(c, &d, v)) return 0;
	if (!(d >= -1 && d <= most && d == (double)(long long)d))
		return JS_ThrowRangeError(c, "expiresIn must be whole seconds, at most a hundred years; 0 or -1"), 0;
	*seconds = d;
	return 1;
}

FUNCTION(setClientSecret) {
	text secret;
	long long seconds;
	if (!works_in(c, "setClientSecret", "generate_secret", "add_client_secret") || !take_expiry(c, argv[1], &seconds) ||
	    !take(c, argv[0], "the client secret", 32, MAX_ID, &secret))
		return JS_EXCEPTION;
	int good = visible(c, secret, "the client secret");
	if (good) host_set_client_secret(secret.p, secret.n, seconds);
	JS_FreeCString(c, secret.p);
	return good ? JS_UNDEFINED : JS_EXCEPTION;
}

FUNCTION(clientExists) {
	text id;
	if (!in_step(c) || !take(c, argv[0], "a client ID", 0, MAX_ID, &id)) return JS_EXCEPTION;
	int exists = host_client_exists(id.p, id.n);
	JS_FreeCString(c, id.p);
	return JS_NewBool(c, exists);
}

// Items, and the time.

FUNCTION(getItem) {
	text key;
	char value[MAX_ITEM];
	if (!in_step(c) || !take(c, argv[0], "an item's key", 0, MAX_KEY, &key)) return JS_EXCEPTION;
	int n = host_get_item(key.p, key.n, value, sizeof value);
	JS_FreeCString(c, key.p);
	return n < 0 ? JS_NULL : JS_NewStringLen(c, value, n);
}

FUNCTION(setItem) {
	text key, value;
	if (!in_step(c) || !take(c, argv[0], "an item's key", 0, MAX_KEY, &key)) return JS_EXCEPTION;
	int ok = take(c, argv[1], "an item", 0, MAX_ITEM, &value);
	if (ok) {
		host_set_item(key.p, key.n, value.p, value.n);
		JS_FreeCString(c, value.p);
	}
	JS_FreeCString(c, key.p);
	return ok ? JS_UNDEFINED : JS_EXCEPTION;
}

FUNCTION(now) { return in_step(c) ? JS_NewInt64(c, host_now()) : JS_EXCEPTION; }

#define VALUE_MEMBER(name, function) JS_CGETSET_MAGIC_DEF(#name, read_value, NULL, VALUE_##name),
#define FUNCTION_MEMBER(name, arguments) JS_CFUNC_DEF(#name, arguments, js_##name),

static const JSCFunctionListEntry value_members[] = {VALUES(VALUE_MEMBER)};
static const JSCFunctionListEntry function_members[] = {FUNCTIONS(FUNCTION_MEMBER)};

JSValue members_define(JSContext *c) {
	for (int i = 0; i < VALUE_COUNT; i++) cached[i] = JS_UNDEFINED;
	JSValue o = JS_NewObject(c);
	JS_SetPropertyFunctionList(c, o, value_members, VALUE_COUNT);
	JS_SetPropertyFunctionList(c, o, function_members, sizeof function_members / sizeof *function_members);
	return o;
}
