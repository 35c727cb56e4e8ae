// Registers only clients whose redirect URIs are all in the config, {"redirect_uris":["https://app.example/cb"]}.
#include "registrar.h"

STEP(set_redirect_uris) {
	if (registrar_base() != REGISTRAR_DONE) return REGISTRAR_REFUSED;
	registrar_json uri;
	registrar_json allowed = registrar_required_strings(registrar_require(registrar_config(), TEXT("redirect_uris")));
	registrar_list uris = registrar_elements(registrar_get(registrar_client(), "redirect_uris"));
	while (registrar_next(&uris, &uri))
		if (!registrar_contains(allowed, registrar_string(uri)))
			return registrar_refuse(TEXT("invalid_redirect_uri"), TEXT("redirect_uris: one of them is not allowed here"));
	return REGISTRAR_DONE;
}
