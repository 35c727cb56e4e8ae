// The two generators in C, without a C library: the ID is "c-" and 16 random bytes in hex, the secret 43 characters.
#include "registrar.h"

STEP(add_client_id) {
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[16];
	static char id[34] = "c-"; // static: filling it would call memset, which is not available
	registrar_random(bytes, sizeof bytes);
	for (int i = 0; i < 16; i++) {
		id[2 + 2 * i] = hex[bytes[i] >> 4];
		id[3 + 2 * i] = hex[bytes[i] & 15];
	}
	registrar_set_client_id(id, sizeof id);
	return 0;
}

STEP(generate_secret) {
	// 64 characters, so that six bits of a byte choose one without bias.
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char secret[43];
	registrar_random(secret, sizeof secret);
	for (int i = 0; i < 43; i++) secret[i] = alphabet[secret[i] & 63];
	registrar_set_client_secret((const char *)secret, sizeof secret, 0);
	return 0;
}
