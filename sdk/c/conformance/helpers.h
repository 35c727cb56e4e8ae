// Actions of the conformance module.

static void item(unsigned i, registrar_text value) { registrar_set_item(registrar_decimal(i), value); }

// add_part adds a space and a part after a mark, or -, to a text.
static registrar_text add_part(registrar_text to, const char *mark, registrar_text part) {
	to = registrar_join(to, TEXT(" "));
	if (!part.ptr || (!*mark && !part.len)) return registrar_join(to, TEXT("-"));
	return registrar_join(registrar_join(to, (registrar_text){mark, *mark ? 1 : 0}), part);
}

static registrar_text parts(const registrar_uri *uri) {
	registrar_text none = {0, 0}, all = uri->scheme, user = uri->user_info;
	all = add_part(all, "", user.ptr ? registrar_join(user, TEXT("@")) : none);
	all = add_part(all, "", uri->host);
	all = add_part(all, ":", uri->port < 0 ? none : registrar_decimal(uri->port));
	all = add_part(all, "", uri->path);
	all = add_part(all, "?", uri->query);
	return add_part(all, "#", uri->fragment);
}

// uris keeps the parts of each URI of the config's list "uris" in an item, as testdata/vectors/README.md says.
static void uris(registrar_json config) {
	registrar_json element;
	unsigned i = 0;
	for (registrar_list l = registrar_elements(registrar_get(config, "uris")); registrar_next(&l, &element); i++) {
		registrar_uri uri;
		item(i, registrar_parse_uri(registrar_string(element), &uri) ? parts(&uri) : TEXT(""));
	}
}

// tagged logs the name, tag and text of each form of the config's "member" in the client.
static void tagged(registrar_json config) {
	registrar_form form;
	registrar_text member = registrar_string(registrar_get(config, "member"));
	for (registrar_forms f = registrar_tagged(registrar_client(), member); registrar_next_form(&f, &form);) {
		registrar_text line = registrar_join(registrar_join(form.name, TEXT(" ")), registrar_join(form.tag, TEXT(" ")));
		registrar_log(REGISTRAR_INFO, registrar_join(line, registrar_string(form.value)));
	}
}

// checksums logs the checksum of each text of the config's list "texts".
static void checksums(registrar_json config) {
	registrar_json element;
	for (registrar_list l = registrar_elements(registrar_get(config, "texts")); registrar_next(&l, &element);) {
		unsigned crc = registrar_crc32(registrar_string(element));
		registrar_text line = registrar_join(registrar_decimal(crc), TEXT(" "));
		registrar_log(REGISTRAR_INFO, registrar_join(line, registrar_base62(crc)));
	}
}

// random_text logs a random text of the config's "alphabet" and "length".
static void random_text(registrar_json config) {
	registrar_text alphabet = registrar_string(registrar_get(config, "alphabet"));
	unsigned length = (unsigned)registrar_int(registrar_get(config, "length"), 0);
	registrar_log(REGISTRAR_INFO, registrar_random_text(alphabet, length));
}
