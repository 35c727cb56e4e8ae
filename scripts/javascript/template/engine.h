// What only the sources of QuickJS can do; see engine.c.
#pragma once

#include "quickjs.h"

// engine_seal ends the time in which text may become code: eval and the constructors of functions throw afterwards.
void engine_seal(JSContext *);

// engine_freeze makes a value of JSON read-only, at every depth: a script that assigns to a member would otherwise take
// it for a change of the client. Elements of arrays can be assigned, but none can be added.
void engine_freeze(JSContext *, JSValueConst);

// engine_position writes the calls that are under way, the innermost first, as far as there is room:
// "at f (file:1:2); at …". It allocates nothing and changes nothing, so it may be called while QuickJS does something
// else. The innermost position is that of the last call in the function, or the function's own.
void engine_position(JSContext *, char *out, size_t capacity);

// A lookup finds the author's position for a position in the bundle. It returns 0 where there is none. Lines and
// columns count from 1, files from 0.
typedef int lookup(int line, int column, int *file, int *author_line, int *author_column);

// engine_map gives the functions in a compiled module the positions in their authors' files. The code at top level
// keeps its own, since it may come from several files. names are the files' names, each ended by a newline. It returns
// -1 for an exception.
int engine_map(JSContext *, JSValueConst module, lookup *, const char *names);
