// A program instead of a module of steps, with a C library and printf: for each step it is started anew, reads JSON on
// standard input and writes JSON to standard output. What it gets wrong is chosen by {"do":…} in its config.
#define _DEFAULT_SOURCE // getentropy
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char input[256 * 1024];

static int does(const char *what) {
	char member[64];
	snprintf(member, sizeof member, "\"do\":\"%s\"", what);
	return strstr(input, member) != NULL;
}

static void hex(int bytes) {
	unsigned char b[32];
	if (getentropy(b, bytes)) abort();
	for (int i = 0; i < bytes; i++) printf("%02x", b[i]);
}

static int set_client_name(int runs) {
	if (does("text")) return printf("hello\n"), 0;
	if (does("unknown")) return printf("{\"pacth\":{}}"), 0;
	if (does("type")) return printf("{\"items\":{\"key\":1}}"), 0;
	if (does("exit")) return 2;
	if (does("abort")) abort();
	if (does("flood")) for (;;) fwrite(input, 1, 16 * 1024, stdout);
	if (does("spin")) for (volatile int i = 0;; i++) {}
	if (does("id")) return printf("{\"patch\":{\"client_id\":\"mine\"}}"), 0;
	if (does("early")) return printf("{\"client_id\":\"early\"}"), 0;
	if (does("base")) return printf("{\"refuse\":{}}"), 0;
	if (does("silent")) return 1;
	if (does("refuse"))
		return printf("{\"patch\":{\"client_name\":\"lost\"},\"refuse\":{\"error\":\"invalid_redirect_uri\",\"error_description\":\"not \\\"here\\\"\"}}"), 1;
	fprintf(stderr, "run %d, %d bytes\n", runs, (int)strlen(input));
	return printf("{\"patch\":{\"client_name\":\"program\"},\"items\":{\"runs\":\"%d\"}}", runs), 0;
}

int main(int argc, char **argv) {
	static int runs; // must be 0 at the beginning of each run
	size_t n = fread(input, 1, sizeof input - 1, stdin);
	if (argc != 2 || n == 0 || !feof(stdin)) return 3;
	runs++;
	if (!strcmp(argv[1], "set_client_name")) return set_client_name(runs);
	if (!strcmp(argv[1], "add_client_id")) {
		if (!strstr(input, "\"items\":{\"runs\":\"1\"}")) return 4;
		printf("{\"client_id\":\"c-command-%d-", runs);
		hex(8);
		puts("\"}");
		return 0;
	}
	if (!strcmp(argv[1], "generate_secret")) {
		printf("{\"client_secret\":\"");
		hex(32);
		puts("\"}");
		return 0;
	}
	return 5;
}
