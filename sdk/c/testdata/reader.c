// Tests the JSON reader of registrar.h with the config's {"values":[…],"texts":[…]}. Each value is logged as
// text|number|true|set. Each text is quoted and set as the item of its index, and read as if it were JSON.
#include "../registrar.h"

static registrar_text bar(registrar_text a, registrar_text b) {
	return registrar_join(registrar_join(a, TEXT("|")), b);
}

static registrar_text word(_Bool b) { return b ? TEXT("true") : TEXT("false"); }

STEP(set_client_name) {
	registrar_json config = registrar_config(), value;
	for (registrar_list l = registrar_elements(registrar_get(config, "values")); registrar_next(&l, &value);) {
		registrar_text line = bar(registrar_string(value), registrar_decimal(registrar_int(value, 7)));
		registrar_log(REGISTRAR_INFO, bar(bar(line, word(registrar_is_true(value))), word(registrar_is_set(value))));
	}
	long long n = 0;
	for (registrar_list l = registrar_elements(registrar_get(config, "texts")); registrar_next(&l, &value); n++) {
		registrar_text text = registrar_string(value);
		registrar_set_item(registrar_decimal(n), registrar_quote(text));
		registrar_json inner = {text}, element;
		unsigned elements = 0;
		for (registrar_list m = registrar_elements(inner); registrar_next(&m, &element);) elements++;
		registrar_string(inner);
		registrar_json found = registrar_get(registrar_get(inner, "a\"b"), "c");
		registrar_log(REGISTRAR_DEBUG, bar(registrar_decimal(elements), found.text.ptr ? found.text : TEXT("none")));
	}
	registrar_text scope = registrar_string(registrar_get(config, "scope"));
	_Bool one = registrar_has_word(scope, TEXT("b")), two = registrar_has_word(scope, TEXT("a b"));
	registrar_log(REGISTRAR_WARN, bar(word(one), word(two)));
	if (!registrar_set(TEXT("client_name"), TEXT("a \"name\"\\"))) registrar_fail(TEXT("the patch was not taken"));
	return REGISTRAR_DONE;
}
