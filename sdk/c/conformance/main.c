// Exports every step and does in each what its config says, so that a test can see that this SDK does the same as those
// of other languages: {"steps":{"<step>":"<action>"},"note":"…","code":"…","description":"…"}. A step without an action
// runs its base. "require-<type>" logs the member "value", or fails.
#include "registrar.h"

static void say(registrar_text fact, registrar_text value) {
	registrar_log(REGISTRAR_INFO, registrar_join(fact, value));
}

static registrar_text word(_Bool b) { return b ? TEXT("true") : TEXT("false"); }

static registrar_text or_none(registrar_json json) {
	return registrar_is_set(json) ? registrar_string(json) : TEXT("none");
}

static registrar_text words(registrar_json list) {
	registrar_text all = TEXT("");
	registrar_json element;
	for (registrar_list l = registrar_elements(list); registrar_next(&l, &element);)
		all = registrar_join(all.len ? registrar_join(all, TEXT(" ")) : all, registrar_string(element));
	return all;
}

static _Bool is_random(void) {
	char bytes[32];
	registrar_random(bytes, 16);
	registrar_random(bytes + 16, 16);
	_Bool differ = 0, first = 0, second = 0;
	for (int i = 0; i < 16; i++) {
		differ |= bytes[i] != bytes[16 + i];
		first |= bytes[i] != 0;
		second |= bytes[16 + i] != 0;
	}
	return differ && first && second;
}

static void observe(registrar_json config) {
	registrar_json context = registrar_context(), caller = registrar_caller();
	registrar_text item = registrar_item(TEXT("k"));
	say(TEXT("operation="), registrar_string(registrar_get(context, "operation")));
	say(TEXT("step="), registrar_string(registrar_get(context, "step")));
	say(TEXT("mode="), registrar_string(registrar_get(context, "mode")));
	say(TEXT("client_name="), registrar_string(registrar_get(registrar_request(), "client_name")));
	say(TEXT("client_id="), or_none(registrar_get(registrar_client(), "client_id")));
	say(TEXT("auth="), registrar_string(registrar_get(caller, "auth")));
	say(TEXT("subject="), registrar_string(registrar_get(caller, "subject")));
	say(TEXT("scopes="), words(registrar_get(caller, "scopes")));
	say(TEXT("note="), registrar_string(registrar_get(config, "note")));
	say(TEXT("software_id="), or_none(registrar_get(registrar_statement(), "software_id")));
	say(TEXT("exists="), word(registrar_client_exists(TEXT("taken"))));
	say(TEXT("item="), item.ptr ? item : TEXT("none"));
	say(TEXT("now="), registrar_decimal(registrar_now()));
	say(TEXT("random="), word(is_random()));
}

// require logs the member "value" of the config, which must have the type that the action names.
static void require(registrar_json config, registrar_text action) {
	registrar_required value = registrar_require(config, TEXT("value"));
	registrar_text found = TEXT("");
	registrar_json element;
	if (registrar_equal(action, TEXT("require-text"))) found = registrar_required_string(value);
	if (registrar_equal(action, TEXT("require-strings")))
		for (registrar_list l = registrar_elements(registrar_required_strings(value)); registrar_next(&l, &element);)
			found = registrar_join(found.len ? registrar_join(found, TEXT("|")) : found, registrar_string(element));
	if (registrar_equal(action, TEXT("require-int"))) found = registrar_decimal(registrar_required_int(value));
	if (registrar_equal(action, TEXT("require-bool"))) found = word(registrar_required_bool(value));
	if (registrar_equal(action, TEXT("require-object")))
		found = registrar_string(registrar_get(registrar_required_object(value), "x"));
	if (registrar_equal(action, TEXT("require-inside")))
		found = registrar_required_string(registrar_require_inside(value, TEXT("inner")));
	say(TEXT("value="), found);
}

static int patch(void) {
	if (registrar_base() != REGISTRAR_DONE) return REGISTRAR_REFUSED;
	say(TEXT("patch="), word(registrar_patch(TEXT("{\"client_name\":\"kit\"}"))));
	say(TEXT("forbidden="), word(registrar_patch(TEXT("{\"client_id\":\"x\"}"))));
	return REGISTRAR_DONE;
}

static void patch_request(void) {
	say(TEXT("patch_request="), word(registrar_patch_request(TEXT("{\"client_name\":\"kit\"}"))));
	say(TEXT("forbidden="), word(registrar_patch_request(TEXT("{\"client_id\":\"x\"}"))));
}

#include "helpers.h"

// act does what the config says of the step that the script is in.
static int act(void) {
	registrar_json config = registrar_config();
	registrar_text step = registrar_string(registrar_get(registrar_context(), "step"));
	registrar_text action = registrar_string(registrar_member(registrar_get(config, "steps"), step));
	if (registrar_equal(action, TEXT("observe"))) observe(config);
	if (registrar_equal(action, TEXT("patch"))) return patch();
	if (registrar_equal(action, TEXT("patch_request"))) patch_request();
	if (registrar_equal(action, TEXT("id"))) {
		registrar_set_client_id(registrar_join(TEXT("kit-"), registrar_random_hex(8)));
		return REGISTRAR_DONE;
	}
	if (registrar_equal(action, TEXT("secret"))) {
		registrar_set_client_secret(registrar_random_hex(32), 3600);
		return REGISTRAR_DONE;
	}
	if (registrar_equal(action, TEXT("remember"))) registrar_set_item(TEXT("k"), TEXT("v"));
	if (registrar_equal(action, TEXT("refuse")))
		return registrar_refuse(registrar_string(registrar_get(config, "code")),
			registrar_string(registrar_get(config, "description")));
	if (registrar_equal(action, TEXT("overrule"))) {
		registrar_base();
		return REGISTRAR_DONE;
	}
	if (registrar_equal(action, TEXT("fail")) || registrar_equal(action, TEXT("panic")))
		registrar_fail(TEXT("as the configuration says"));
	if (registrar_begins(action, TEXT("require-"))) require(config, action);
	if (registrar_equal(action, TEXT("uris"))) uris(config);
	if (registrar_equal(action, TEXT("checksums"))) checksums(config);
	if (registrar_equal(action, TEXT("random_text"))) random_text(config);
	if (registrar_equal(action, TEXT("tagged"))) {
		int result = registrar_base();
		tagged(config);
		return result;
	}
	if (registrar_equal(action, TEXT("levels"))) {
		registrar_log(REGISTRAR_DEBUG, TEXT("debug"));
		registrar_log(REGISTRAR_INFO, TEXT("info"));
		registrar_log(REGISTRAR_WARN, TEXT("warn"));
		registrar_log(REGISTRAR_ERROR, TEXT("error"));
	}
	return registrar_base();
}

STEP(validate_software_statement) { return act(); }
STEP(set_grant_types) { return act(); }
STEP(set_redirect_uris) { return act(); }
STEP(set_scopes) { return act(); }
STEP(set_default_scopes) { return act(); }
STEP(set_secrets) { return act(); }
STEP(set_client_name) { return act(); }
STEP(set_logout_parameters) { return act(); }
STEP(set_max_age) { return act(); }
STEP(set_user_interface_properties) { return act(); }
STEP(set_public_client_properties) { return act(); }
STEP(set_access_token_properties) { return act(); }
STEP(set_id_token_properties) { return act(); }
STEP(set_server_side_session_properties) { return act(); }
STEP(add_client_id) { return act(); }
STEP(add_client_secret) { return act(); }
STEP(generate_secret) { return act(); }
STEP(build_response) { return act(); }
