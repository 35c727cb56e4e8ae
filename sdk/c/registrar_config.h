// registrar_config.h has what a script requires of its config. registrar.h includes it.
//
// Members of the config that must be there. If one is missing, null or of another type, the script fails, and the
// server's log says which:
//
//     registrar_json brands = registrar_required_strings(registrar_require(registrar_config(), TEXT("brands")));
//
// Members that a caller sends are not for these functions: refuse the client instead.
#ifndef REGISTRAR_CONFIG_H
#define REGISTRAR_CONFIG_H

// A registrar_required is a member of the config that is there.
typedef struct {
	registrar_json json;   // not null
	registrar_text member; // its name, after those of the objects that it is in
} registrar_required;

static inline _Noreturn void registrar_require_fail(registrar_text member, registrar_text problem) {
	registrar_text reason = registrar_join(TEXT("config: member \""), member);
	registrar_fail(registrar_join(registrar_join(reason, TEXT("\" ")), problem));
}

static inline registrar_required
registrar_require_as(registrar_json object, registrar_text name, registrar_text member) {
	registrar_required r = {registrar_member(object, name), member};
	if (!registrar_is_set(r.json)) registrar_require_fail(member, TEXT("is missing"));
	return r;
}

// registrar_require returns a member of the config that must be there.
static inline registrar_required registrar_require(registrar_json config, registrar_text name) {
	return registrar_require_as(config, name, name);
}

// registrar_required_string returns the text of a string.
static inline registrar_text registrar_required_string(registrar_required r) {
	if (*r.json.text.ptr != '"') registrar_require_fail(r.member, TEXT("must be a string"));
	return registrar_string(r.json);
}

// registrar_required_strings returns a list whose elements are strings; it may be empty. See registrar_elements.
static inline registrar_json registrar_required_strings(registrar_required r) {
	_Bool strings = *r.json.text.ptr == '[';
	registrar_json element;
	for (registrar_list l = registrar_elements(r.json); registrar_next(&l, &element);)
		if (*element.text.ptr != '"') strings = 0;
	if (!strings) registrar_require_fail(r.member, TEXT("must be a list of strings"));
	return r.json;
}

// registrar_required_int returns a number that fits a long long and is written without fraction and exponent.
static inline long long registrar_required_int(registrar_required r) {
	long long n = registrar_int(r.json, 0);
	if (!n && registrar_int(r.json, 1)) registrar_require_fail(r.member, TEXT("must be an integer"));
	return n;
}

// registrar_required_bool returns true or false.
static inline _Bool registrar_required_bool(registrar_required r) {
	_Bool is_true = registrar_is_true(r.json);
	if (!is_true && !registrar_equal(r.json.text, TEXT("false")))
		registrar_require_fail(r.member, TEXT("must be true or false"));
	return is_true;
}

// registrar_required_object returns an object.
static inline registrar_json registrar_required_object(registrar_required r) {
	if (*r.json.text.ptr != '{') registrar_require_fail(r.member, TEXT("must be an object"));
	return r.json;
}

// registrar_require_inside returns a member of the object that r must be.
static inline registrar_required registrar_require_inside(registrar_required r, registrar_text name) {
	registrar_text member = registrar_join(registrar_join(r.member, TEXT(".")), name);
	return registrar_require_as(registrar_required_object(r), name, member);
}

#endif
