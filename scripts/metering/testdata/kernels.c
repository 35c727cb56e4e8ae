// Loops and calls as scripts have them, for benchmarks. Each function returns a number that depends on all it did.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

static u8 buffer[64 << 10];
static u32 numbers[4096];

static u32 seed;
static u32 next(void) { return seed = seed * 1664525u + 1013904223u; }

// Scans JSON that it wrote itself: strings with escapes, numbers, nesting.
__attribute__((export_name("json"))) u32 json(u32 rounds) {
	static const char sample[] = "{\"redirect_uris\":[\"https://app.example/cb\",\"http://127.0.0.1:8080/\\u00e9\"],\"n\":-12.5e3,\"scope\":\"a b c\"},";
	u32 n = 0, sum = 0;
	while (n + sizeof sample < sizeof buffer)
		for (u32 i = 0; i < sizeof sample - 1; i++) buffer[n++] = sample[i];
	for (; rounds; rounds--) {
		u32 depth = 0, strings = 0, digits = 0;
		for (u32 i = 0; i < n; i++) {
			switch (buffer[i]) {
			case '{': case '[': depth++; break;
			case '}': case ']': depth--; break;
			case '"':
				strings++;
				for (i++; i < n && buffer[i] != '"'; i++)
					if (buffer[i] == '\\') i++;
				break;
			case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
				digits++;
				break;
			default: break;
			}
		}
		sum += depth + strings * 3 + digits * 7;
	}
	return sum;
}

static u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

// Calls, little else.
__attribute__((export_name("fib"))) u32 fib(u32 n) { return fibonacci(n); }

// FNV-1a: one short loop.
__attribute__((export_name("hash"))) u32 hash(u32 rounds) {
	u32 h = 2166136261u;
	for (; rounds; rounds--)
		for (u32 i = 0; i < sizeof buffer; i++) h = (h ^ buffer[i]) * 16777619u;
	return h;
}

static void quicksort(u32 *a, int from, int to) {
	while (from < to) {
		u32 pivot = a[(from + to) / 2];
		int i = from, j = to;
		while (i <= j) {
			while (a[i] < pivot) i++;
			while (a[j] > pivot) j--;
			if (i <= j) { u32 x = a[i]; a[i++] = a[j]; a[j--] = x; }
		}
		quicksort(a, from, j);
		from = i;
	}
}

// Recursion, comparisons and memory.
__attribute__((export_name("sort"))) u32 sort(u32 rounds) {
	u32 sum = 0;
	for (; rounds; rounds--) {
		seed = rounds;
		for (u32 i = 0; i < 4096; i++) numbers[i] = next();
		quicksort(numbers, 0, 4095);
		sum += numbers[rounds % 4096];
	}
	return sum;
}

// SHA-256's compression: long straight runs.
__attribute__((export_name("sha256"))) u32 sha256(u32 rounds) {
	u32 w[64], h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
	for (; rounds; rounds--) {
		for (u32 i = 0; i < 16; i++) w[i] = h[i % 8] + i;
		for (u32 i = 16; i < 64; i++) {
			u32 s0 = ROR(w[i - 15], 7) ^ ROR(w[i - 15], 18) ^ w[i - 15] >> 3, s1 = ROR(w[i - 2], 17) ^ ROR(w[i - 2], 19) ^ w[i - 2] >> 10;
			w[i] = w[i - 16] + s0 + w[i - 7] + s1;
		}
		u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
		for (u32 i = 0; i < 64; i++) {
			u32 t1 = k + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + ((e & f) ^ (~e & g)) + w[i] + i * 0x9e3779b9u;
			u32 t2 = (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
			k = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
		}
		h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
	}
	return h[0] ^ h[7];
}
