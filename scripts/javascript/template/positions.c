// Positions as the author knows them, by the source map of a bundle (ECMA-426). Only the packer needs the map: the
// bytecode that it takes has the author's positions; see engine_map.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

char mappings[MAX_MAPPINGS], names[MAX_NAMES];

// A mapping says where the text from a position of the bundle on, up to the next mapping, comes from.
typedef struct {
	int line, column, file, author_line, author_column;
} mapping;

static mapping *map; // in the order of the bundle
static int mapped;   // its length

// vlq reads a number of a source map. It returns 0 and leaves p where none begins.
static int vlq(const char **p) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned n = 0, shift = 0, digit;
	do {
		const char *at = **p ? strchr(digits, **p) : NULL;
		if (!at) return 0;
		digit = at - digits, n |= (digit & 31) << shift, shift += 5, ++*p;
	} while (digit & 32 && shift < 30);
	return n & 1 ? -(int)(n >> 1) : (int)(n >> 1);
}

static int ends_mapping(char c) { return c == 0 || c == ',' || c == ';'; }

void positions_load(void) {
	size_t most = 1;
	for (const char *p = mappings; *p; p++) most += ends_mapping(*p);
	if (!*mappings || !(map = malloc(most * sizeof *map))) return;
	mapping m = {1, 1, 0, 1, 1};
	for (const char *p = mappings; *p;) {
		if (*p == ';') m.line++, m.column = 1, p++;
		else if (*p == ',') p++;
		else {
			const char *from = p;
			m.column += vlq(&p);
			if (p == from) return; // it is not a source map
			if (ends_mapping(*p)) continue; // text of the bundler
			m.file += vlq(&p), m.author_line += vlq(&p), m.author_column += vlq(&p);
			if (!ends_mapping(*p)) vlq(&p); // the author's name of it
			map[mapped++] = m;
		}
	}
}

int positions_find(int line, int column, int *file, int *author_line, int *author_column) {
	int low = 0, high = mapped; // the mappings below low begin at the position or before it
	while (low < high) {
		int middle = low + (high - low) / 2;
		mapping *m = &map[middle];
		if (m->line < line || (m->line == line && m->column <= column)) low = middle + 1;
		else high = middle;
	}
	if (!low || map[low - 1].line != line) return 0;
	mapping *m = &map[low - 1];
	*file = m->file, *author_line = m->author_line, *author_column = m->author_column;
	return 1;
}

// file_name returns the name of a file.
static span file_name(int file) {
	const char *p = names;
	for (; file > 0 && *p; file--) p += strcspn(p, "\n"), p += *p == '\n';
	return (span){p, p + strcspn(p, "\n")};
}

void positions_rewrite(const char *text, char *out, size_t capacity) {
	size_t n = 0, prefix = strlen(BUNDLE ":");
	while (*text && n + 1 < capacity) {
		int line = 0, column = 0, file, l, c;
		char *after = NULL;
		if (!strncmp(text, BUNDLE ":", prefix) && (line = strtol(text + prefix, &after, 10)) && *after == ':')
			column = strtol(after + 1, &after, 10);
		if (!column || !positions_find(line, column, &file, &l, &c)) {
			out[n++] = *text++;
			continue;
		}
		span name = file_name(file);
		int length = snprintf(out + n, capacity - n, "%.*s:%d:%d", (int)(name.to - name.from), name.from, l, c);
		n = n + length < capacity ? n + length : capacity - 1;
		text = after;
	}
	out[n] = 0;
}
