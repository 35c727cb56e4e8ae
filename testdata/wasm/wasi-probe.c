// The WASI functions that toolchains call on their own, imported by hand: what each returned goes through fd_write, as
// a line on standard error. The ID is "wasi-" and 16 hex characters from random_get.
#include "registrar.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) extern

struct slice {
	const char *ptr;
	unsigned len;
};

WASI(random_get) int random_get(void *buf, unsigned len);
WASI(clock_time_get) int clock_time_get(int clock, long long precision, unsigned long long *time);
WASI(fd_write) int fd_write(int fd, const struct slice *slices, unsigned count, unsigned *written);
WASI(args_sizes_get) int args_sizes_get(unsigned *count, unsigned *size);
WASI(environ_sizes_get) int environ_sizes_get(unsigned *count, unsigned *size);
WASI(sched_yield) int sched_yield(void);

// Two slices and a line break, so that a host which writes only the first slice, or counts it alone, shows.
static int print(const char *name, unsigned name_len, unsigned long long n) {
	char digits[21];
	unsigned at = sizeof digits, written = 0;
	digits[--at] = '\n';
	do digits[--at] = '0' + n % 10;
	while (n /= 10);
	struct slice slices[] = {{name, name_len}, {digits + at, sizeof digits - at}};
	return fd_write(2, slices, 2, &written) == 0 && written == name_len + sizeof digits - at;
}

#define PRINT(name, n) print(name "=", sizeof name, n)

STEP(add_client_id) {
	static const char hex[] = "0123456789abcdef";
	enum { realtime, monotonic };
	unsigned long long now = 0, first = 0, second = 0;
	unsigned count = 9, size = 9;
	if (clock_time_get(realtime, 1, &now) || clock_time_get(monotonic, 1, &first) || clock_time_get(monotonic, 1, &second))
		return 3;
	if (!PRINT("realtime", now) || !PRINT("monotonic_advances", second > first)) return 4;
	if (args_sizes_get(&count, &size) || !PRINT("args", count) || !PRINT("args_size", size)) return 5;
	if (environ_sizes_get(&count, &size) || !PRINT("environ", count) || !PRINT("environ_size", size)) return 6;
	if (sched_yield()) return 7;
	unsigned written;
	struct slice slice = {"x", 1};
	PRINT("fd_write_3", fd_write(3, &slice, 1, &written)); // 8 is EBADF

	unsigned char bytes[8];
	char id[21] = "wasi-";
	if (random_get(bytes, sizeof bytes)) return 8;
	for (int i = 0; i < 8; i++) {
		id[5 + 2 * i] = hex[bytes[i] >> 4];
		id[6 + 2 * i] = hex[bytes[i] & 15];
	}
	registrar_set_client_id(id, sizeof id);
	return 0;
}
