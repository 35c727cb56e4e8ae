// QuickJS's allocator: the C library's, with the accounts by which QuickJS decides when to collect garbage.

#include <malloc.h>
#include <stdlib.h>

#include "shim.h"

static size_t usable(const void *p) { return malloc_usable_size((void *)p); }

static void *allocate(JSMallocState *s, size_t n) {
	void *p = malloc(n);
	if (p) s->malloc_count++, s->malloc_size += usable(p);
	return p;
}

static void release(JSMallocState *s, void *p) {
	if (p) s->malloc_count--, s->malloc_size -= usable(p);
	free(p);
}

static void *reallocate(JSMallocState *s, void *p, size_t n) {
	if (!p) return n ? allocate(s, n) : NULL;
	if (!n) return release(s, p), NULL;
	size_t before = usable(p);
	if ((p = realloc(p, n))) s->malloc_size += usable(p) - before;
	return p;
}

const JSMallocFunctions memory_functions = {allocate, release, reallocate, usable};
