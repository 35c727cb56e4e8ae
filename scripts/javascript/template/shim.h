// What the parts of the shim share. The shim joins QuickJS to registrar_v1; see shim.c.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "host.h"
#include "members.h"

enum {
	MAX_SOURCE = 512 << 10,   // bytes of a script, as text or as bytecode
	MAX_MAPPINGS = 512 << 10, // bytes of a source map
	MAX_NAMES = 64 << 10,     // bytes of the names of a script's files

	MAX_RANDOM = 4096,     // bytes that scripts may draw in a registration
	MAX_VALUE = 128 << 10, // bytes of a value for the host
	MAX_KEY = 255,         // bytes of an item's key
	MAX_ITEM = 4096,       // bytes of an item
	MAX_ID = 255,          // bytes of a client ID or a client secret

	SCRIPT_STACK = 64 << 10,  // bytes of the C stack, of 256 KiB, that a script may use
	FAILURE_STACK = 96 << 10, // the same, where its failure is described
};

// BUNDLE is the name of a script's file where a source map leads to those of its author.
#define BUNDLE "<bundle>"

extern JSRuntime *runtime;
extern JSContext *context;
extern const char *current_step;
extern int depth;   // how many steps run, one within another's base; 0 while the script is loaded
extern int refused; // the current step has refused
extern int based;   // the current step has run its base

// The files of the author: text of the packer.
extern char mappings[MAX_MAPPINGS], names[MAX_NAMES];

// A span is a part of a text, from its first byte to the one after its last.
typedef struct {
	const char *from, *to;
} span;

// A text is a string of the script, in UTF-8. It is valid until it is freed by JS_FreeCString.
typedef struct {
	const char *p;
	size_t n;
} text;

// take reads a string and reports whether it is one of least to most bytes, well-formed. Where it is not, it throws an
// exception that begins with what the string is.
int take(JSContext *, JSValueConst, const char *what, size_t least, size_t most, text *);

// in_step reports whether a step runs, and throws an exception where none does.
int in_step(JSContext *);

// The values of the host: VALUE_client and so on.
#define VALUE_INDEX(name, function) VALUE_##name,
enum { VALUES(VALUE_INDEX) VALUE_COUNT };

// forget drops a value of the host, so that it is read again, and forget_changed those that change between steps.
void forget(JSContext *, int value);
void forget_changed(JSContext *);

// members_define makes the object that a step gets.
JSValue members_define(JSContext *);

// FUNCTION(name) is the function of a member.
#define FUNCTION(name) JSValue js_##name(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
#define DECLARE(name, arguments) FUNCTION(name);
FUNCTIONS(DECLARE)

JSValue math_random(JSContext *, JSValueConst, int, JSValueConst *);

// take_count reads a whole number from 0 to most, and throws an exception for anything else.
int take_count(JSContext *, JSValueConst, const char *what, uint32_t most, uint32_t *n);

// fail_with_exception ends the script as a failure, for the exception that was thrown.
_Noreturn void fail_with_exception(JSContext *);

// positions_load reads the source map. positions_find is a lookup in it. positions_rewrite copies a text and replaces
// positions in BUNDLE by those of the author; it cuts the copy at its capacity.
void positions_load(void);
lookup positions_find;
void positions_rewrite(const char *text, char *out, size_t capacity);

extern const JSMallocFunctions memory_functions;
