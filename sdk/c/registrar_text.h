// registrar_text.h has the forms of members in several languages, random texts and checksums. registrar.h includes it.
#ifndef REGISTRAR_TEXT_H
#define REGISTRAR_TEXT_H

// A registrar_form is a form of a member for one language (RFC 7591 section 2.2).
typedef struct {
	registrar_text name; // of the member, such as client_name or client_name#ja
	registrar_text tag;  // the BCP 47 language tag as written, whose case does not matter; empty for the bare member
	registrar_json value;
} registrar_form;

// A registrar_forms iterates over the forms of a member.
typedef struct {
	registrar_json object;
	registrar_text member;
	registrar_list rest;
	_Bool began;
} registrar_forms;

// registrar_tagged and registrar_next_form iterate over all forms of a member of an object, the one without a tag
// first, the others in their order. Forms that are null are left out, since they count as absent. A policy about what
// users read, such as client_name, must look at all of them:
//
//     registrar_form name;
//     for (registrar_forms f = registrar_tagged(client, TEXT("client_name")); registrar_next_form(&f, &name);) …
static inline registrar_forms registrar_tagged(registrar_json object, registrar_text member) {
	return (registrar_forms){object, member, registrar_open(object, '{', '}'), 0};
}

static inline _Bool registrar_next_form(registrar_forms *f, registrar_form *form) {
	if (!f->began) {
		f->began = 1;
		*form = (registrar_form){f->member, TEXT(""), registrar_member(f->object, f->member)};
		if (registrar_is_set(form->value)) return 1;
	}
	while (registrar_more(&f->rest)) {
		registrar_text name = registrar_string(registrar_value(&f->rest));
		if (!registrar_take(&f->rest, ':')) break;
		registrar_json value = registrar_value(&f->rest);
		if (!registrar_is_set(value) || name.len <= f->member.len || !registrar_begins(name, f->member)) continue;
		if (name.ptr[f->member.len] != '#') continue;
		unsigned from = f->member.len + 1;
		*form = (registrar_form){name, {name.ptr + from, name.len - from}, value};
		return 1;
	}
	return 0;
}

// registrar_random_text returns len characters of an alphabet, each of them equally likely: for a secret of 256 bits,
// 43 letters and digits. An alphabet has 2 to 128 different ASCII characters; len is at most 4096. The script fails for
// others. It reads a byte for each character, and as many again as fall outside the greatest multiple of the alphabet's
// size below 257: 3 in 100 for letters and digits, none for an alphabet of 16 or 64.
static inline registrar_text registrar_random_text(registrar_text alphabet, unsigned len) {
	if (len > 4096) registrar_fail(TEXT("registrar_random_text: the length must be 0 to 4096"));
	unsigned long long seen[2]; // a bit for each character; an initializer might need memset of a C library
	seen[0] = seen[1] = 0;
	for (unsigned i = 0; i < alphabet.len; i++) {
		unsigned char c = (unsigned char)alphabet.ptr[i];
		if (c >= 128) registrar_fail(TEXT("registrar_random_text: the alphabet has a character outside ASCII"));
		if (seen[c / 64] >> c % 64 & 1)
			registrar_fail(TEXT("registrar_random_text: the alphabet has a character twice, which would be twice as likely"));
		seen[c / 64] |= 1ull << c % 64;
	}
	if (alphabet.len < 2) registrar_fail(TEXT("registrar_random_text: the alphabet must have 2 characters at least"));
	unsigned limit = 256 - 256 % alphabet.len;
	char *p = registrar_alloc(len);
	for (unsigned done = 0; done < len;) {
		unsigned from = done; // no byte is read after its character is written
		registrar_random(p + from, len - from);
		for (unsigned i = from; i < len; i++) {
			unsigned char byte = (unsigned char)p[i];
			if (byte < limit) p[done++] = alphabet.ptr[byte % alphabet.len];
		}
	}
	return (registrar_text){p, len};
}

// registrar_crc32 returns the checksum of a text as zip, PNG and Ethernet have it (IEEE 802.3).
static inline unsigned registrar_crc32(registrar_text text) {
	static const unsigned of_nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	unsigned crc = ~0u;
	for (unsigned i = 0; i < text.len; i++) {
		crc ^= (unsigned char)text.ptr[i];
		crc = crc >> 4 ^ of_nibble[crc & 15];
		crc = crc >> 4 ^ of_nibble[crc & 15];
	}
	return ~crc;
}

// REGISTRAR_BASE62 is the alphabet of letters and digits in the order of registrar_base62.
#define REGISTRAR_BASE62 TEXT("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

// registrar_base62 returns a number as six digits of REGISTRAR_BASE62, the most significant one first: "000000" to
// "4gfFC3".
static inline registrar_text registrar_base62(unsigned n) {
	char *p = registrar_alloc(6);
	for (unsigned i = 6; i > 0; n /= 62) p[--i] = REGISTRAR_BASE62.ptr[n % 62];
	return (registrar_text){p, 6};
}

#endif
