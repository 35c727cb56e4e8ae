// Makes client IDs by a convention: the prefix of the config, {"prefix":"acme-"}, the client's name in lower case, and
// random digits, such as acme-photo-album-3f0c9a1e52d47b86.
#include "registrar.h"

#define LONGEST_NAME 32

// slug returns a name in lower case, with each run of other characters than letters and digits as one dash, and a dash
// at the end.
static registrar_text slug(registrar_text name) {
	char *p = registrar_alloc(LONGEST_NAME + 1);
	unsigned n = 0;
	for (unsigned i = 0; i < name.len && n < LONGEST_NAME; i++) {
		char c = name.ptr[i];
		if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) p[n++] = c;
		else if (n && p[n - 1] != '-') p[n++] = '-';
	}
	if (n && p[n - 1] != '-') p[n++] = '-';
	return (registrar_text){p, n};
}

STEP(add_client_id) {
	registrar_text prefix = registrar_required_string(registrar_require(registrar_config(), TEXT("prefix")));
	if (!prefix.len) registrar_fail(TEXT("config: prefix is empty"));
	registrar_text name = slug(registrar_string(registrar_get(registrar_client(), "client_name")));
	registrar_text begin = registrar_join(prefix, name), id;
	do id = registrar_join(begin, registrar_random_hex(8));
	while (registrar_client_exists(id));
	registrar_log(REGISTRAR_INFO, registrar_join(TEXT("the ID begins with "), begin));
	registrar_set_client_id(id);
	return REGISTRAR_DONE;
}
