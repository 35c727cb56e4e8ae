// Makes every client public, also one that asks for a secret. The built-in steps read the patched request, so that none
// of them refuses the client for what it sent.
#include "registrar.h"

#define PUBLIC "{\"token_endpoint_auth_method\":\"none\",\"require_client_secret\":null}"

STEP(set_grant_types) {
	if (!registrar_patch_request(TEXT(PUBLIC)))
		return registrar_refuse(TEXT("invalid_client_metadata"), TEXT("only public clients can register here"));
	return registrar_base();
}
