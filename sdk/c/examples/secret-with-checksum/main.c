// Makes secrets that scanners for leaked secrets recognize: the prefix of the config, {"prefix":"acme_"}, 43 random
// letters and digits, which are 256 bits, and the CRC32 of all that in six digits of base62. A scanner checks those,
// and so takes hardly any other text for a secret.
#include "registrar.h"

static _Bool is_prefix(registrar_text text) {
	for (unsigned i = 0; i < text.len; i++)
		if (!registrar_is_letter(text.ptr[i]) && !registrar_is_digit(text.ptr[i]) && text.ptr[i] != '_') return 0;
	return text.len >= 1 && text.len <= 32;
}

STEP(generate_secret) {
	registrar_text prefix = registrar_string(registrar_get(registrar_config(), "prefix"));
	if (!is_prefix(prefix)) registrar_fail(TEXT("config: prefix must be 1 to 32 letters, digits and underscores"));
	registrar_text text = registrar_join(prefix, registrar_random_text(REGISTRAR_BASE62, 43));
	registrar_set_client_secret(registrar_join(text, registrar_base62(registrar_crc32(text))), REGISTRAR_DEFAULT_LIFETIME);
	return REGISTRAR_DONE;
}
