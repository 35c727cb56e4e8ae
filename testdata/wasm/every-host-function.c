// Calls every function of registrar_v1, each in a step that may, and logs what came back as "name=value", one line of
// at most 400 bytes each (18 lines; a longer value is cut): a registration's log holds 32 lines and 4 KiB.
#include "registrar.h"

#define LITERAL(s) s, sizeof(s) - 1

static char value[64 * 1024]; // what was read
static char line[400];

static unsigned append(unsigned at, const char *p, unsigned len) {
	for (unsigned i = 0; i < len && at < sizeof line; i++) line[at++] = p[i];
	return at;
}

static void report(const char *name, const char *p, unsigned len) {
	unsigned at = 0, n = 0;
	while (name[n]) n++;
	at = append(at, name, n);
	at = append(at, "=", 1);
	registrar_log(1, line, append(at, p, len));
}

static void report_number(const char *name, long long n) {
	char digits[20];
	unsigned at = sizeof digits;
	unsigned long long rest = n < 0 ? -(unsigned long long)n : n;
	do digits[--at] = '0' + rest % 10;
	while (rest /= 10);
	if (n < 0) digits[--at] = '-';
	report(name, digits + at, sizeof digits - at);
}

static void report_read(const char *name, int (*read)(char *, unsigned)) {
	int len = read(value, sizeof value);
	if (len < 0 || len > (int)sizeof value) report_number(name, len);
	else report(name, value, len);
}

STEP(validate_software_statement) {
	report_read("read_statement", registrar_read_statement);
	report_read("read_context", registrar_read_context);
	report_read("read_request", registrar_read_request);
	report_read("read_caller", registrar_read_caller);
	report_read("read_config", registrar_read_config);
	report_number("now", registrar_now());
	// A buffer that is one byte too small: the length is told, the buffer left alone.
	int len = registrar_read_context(value, 0);
	for (int i = 0; i < len; i++) value[i] = '.';
	report_number("read_context_length", registrar_read_context(value, len - 1));
	report("read_context_untouched", value, 4);
	int refused = registrar_call_base();
	report_number("call_base", refused);
	return refused;
}

STEP(set_client_name) {
	report_number("patch_request", registrar_patch_request(LITERAL("{\"client_name\":\"patched\"}")));
	if (registrar_call_base()) return 1;
	report_number("patch_client", registrar_patch_client(LITERAL("{\"contacts\":[\"ops@acme.example\"]}")));
	report_number("get_item_absent", registrar_get_item(LITERAL("note"), value, sizeof value));
	registrar_set_item(LITERAL("note"), LITERAL("kept"));
	return 0;
}

STEP(set_max_age) {
	int len = registrar_read_request(value, sizeof value - 1);
	if (len >= (int)sizeof value) return 2;
	value[len] = 0;
	// A refusal ends the registration, so it is done only where the request asks for it with this member.
	if (registrar_member(value, "refuse_me")) {
		registrar_refuse(LITERAL("invalid_redirect_uri"), LITERAL("refused by every-host-function"));
		return 1;
	}
	// So does a failure.
	if (registrar_member(value, "fail_me")) registrar_fail(LITERAL("failed by every-host-function"));
	return registrar_call_base();
}

STEP(add_client_id) {
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[8];
	char id[22] = "every-";
	int len = registrar_get_item(LITERAL("note"), value, sizeof value);
	if (len < 0) return 3;
	report("get_item", value, len);
	registrar_random(bytes, sizeof bytes);
	for (int i = 0; i < 8; i++) {
		id[6 + 2 * i] = hex[bytes[i] >> 4];
		id[7 + 2 * i] = hex[bytes[i] & 15];
	}
	report("random", id + 6, 16);
	report_number("client_exists", registrar_client_exists(id, sizeof id));
	registrar_set_client_id(id, sizeof id);
	report("set_client_id", id, sizeof id);
	report_read("read_client", registrar_read_client);
	return 0;
}

STEP(generate_secret) {
	registrar_set_client_secret(LITERAL("every-0123456789-0123456789-0123456789"), 3600);
	registrar_log(0, LITERAL("set_client_secret=done"));
	return 0;
}
