// Only callers with the scope in the config, {"scope":"secrets"}, may register clients with a secret; anyone may
// register public clients. The secret lasts as many days as the config says, {"days":90}, by default the server's
// lifetime.
#include "registrar.h"

STEP(add_client_secret) {
	registrar_json config = registrar_config();
	registrar_text scope = registrar_required_string(registrar_require(config, TEXT("scope")));
	registrar_text method = registrar_string(registrar_get(registrar_client(), "token_endpoint_auth_method"));
	if (!registrar_begins(method, TEXT("client_secret_"))) return registrar_base();
	if (!registrar_contains(registrar_get(registrar_caller(), "scopes"), scope))
		return registrar_refuse(TEXT("insufficient_scope"), registrar_join(TEXT("a client secret needs the scope "), scope));
	long long days = registrar_int(registrar_get(config, "days"), 0);
	if (days <= 0) return registrar_base();
	if (days > 36500) registrar_fail(TEXT("config: more than 36,500 days"));
	registrar_set_client_secret(registrar_random_hex(32), days * 24 * 60 * 60);
	return REGISTRAR_DONE;
}
