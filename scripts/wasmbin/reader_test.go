package wasmbin

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestIntegers(t *testing.T) {
	u32 := func(r *reader) int64 { return int64(r.u32("n")) }
	u64 := func(r *reader) int64 { return int64(r.u64("n")) }
	s32 := func(r *reader) int64 { return int64(r.s32("n")) }
	s33 := func(r *reader) int64 { return r.s33("n") }
	s64 := func(r *reader) int64 { return r.s64("n") }
	tests := []struct {
		name string
		read func(*reader) int64
		in   string
		want int64
		err  string // empty means none
	}{
		{"u32 zero", u32, "\x00", 0, ""},
		{"u32 not in the shortest form", u32, "\x83\x80\x80\x80\x00", 3, ""},
		{"u32 largest", u32, "\xff\xff\xff\xff\x0f", math.MaxUint32, ""},
		{"u32 one bit too many", u32, "\x80\x80\x80\x80\x10", 0,
			"expected n of 32 bits, found a larger integer, at offset 0"},
		{"u32 one byte too many", u32, "\x80\x80\x80\x80\x80\x00", 0,
			"expected n in at most 5 bytes, found a longer integer, at offset 0"},
		{"u32 cut off", u32, "\x80\x80", 0, "expected n, found the end of the module, at offset 2"},
		{"u32 empty", u32, "", 0, "expected n, found the end of the module, at offset 0"},
		{"u64 largest", u64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -1, ""},
		{"u64 one bit too many", u64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 0,
			"expected n of 64 bits, found a larger integer, at offset 0"},
		{"u64 one byte too many", u64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0,
			"expected n in at most 10 bytes, found a longer integer, at offset 0"},
		{"s32 minus one", s32, "\x7f", -1, ""},
		{"s32 not in the shortest form", s32, "\xfe\xff\xff\xff\x7f", -2, ""},
		{"s32 largest", s32, "\xff\xff\xff\xff\x07", math.MaxInt32, ""},
		{"s32 smallest", s32, "\x80\x80\x80\x80\x78", math.MinInt32, ""},
		{"s32 unused bits unlike the sign", s32, "\xff\xff\xff\xff\x0f", 0,
			"expected n of 32 bits, found a larger integer, at offset 0"},
		{"s32 unused bits unlike the sign, negative", s32, "\x80\x80\x80\x80\x70", 0,
			"expected n of 32 bits, found a larger integer, at offset 0"},
		{"s33 largest type index", s33, "\xff\xff\xff\xff\x0f", math.MaxUint32, ""},
		{"s33 smallest", s33, "\x80\x80\x80\x80\x70", math.MinInt32 * 2, ""},
		{"s33 unused bits unlike the sign", s33, "\x80\x80\x80\x80\x10", 0,
			"expected n of 33 bits, found a larger integer, at offset 0"},
		{"s64 largest", s64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", math.MaxInt64, ""},
		{"s64 smallest", s64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", math.MinInt64, ""},
		{"s64 unused bits unlike the sign", s64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 0,
			"expected n of 64 bits, found a larger integer, at offset 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newReader([]byte(test.in))
			got := test.read(r)
			if got != test.want || errorText(r) != test.err {
				t.Errorf("got %d and error %q, want %d and %q", got, errorText(r), test.want, test.err)
			}
			if r.left() != 0 {
				t.Errorf("%d bytes are left, want 0", r.left())
			}
		})
	}
}

// TestIntegersFollowTheGrammar compares with an implementation of the specification's grammar, for all lengths up to
// beyond the longest and all last bytes.
func TestIntegersFollowTheGrammar(t *testing.T) {
	for _, bits := range []int{7, 8, 32, 33, 64} {
		for length := range 12 {
			for _, fill := range []byte{0x80, 0xff, 0xd5} {
				for last := range 256 {
					b := append(bytes.Repeat([]byte{fill}, length), byte(last))
					u, s := newReader(b), newReader(b)
					check(t, b, fmt.Sprintf("u%d", bits), u, new(big.Int).SetUint64(u.unsigned("n", bits)),
						grammarUnsigned(b, bits))
					check(t, b, fmt.Sprintf("s%d", bits), s, big.NewInt(s.signed("n", bits)), grammarSigned(b, bits))
				}
			}
		}
	}
}

func check(t *testing.T, b []byte, name string, r *reader, got, want *big.Int) {
	t.Helper()
	switch {
	case want == nil && r.err == nil:
		t.Fatalf("%s of % x: got %v, want an error", name, b, got)
	case want != nil && (r.err != nil || got.Cmp(want) != 0):
		t.Fatalf("%s of % x: got %v and %v, want %v", name, b, got, r.err, want)
	}
}

// grammarUnsigned implements the production uN of WebAssembly 2.0 §5.2.2. It returns nil if b is not in the language.
func grammarUnsigned(b []byte, bits int) *big.Int {
	if len(b) == 0 {
		return nil
	}
	n := int(b[0])
	if n < 1<<7 && (bits >= 7 || n < 1<<bits) {
		return big.NewInt(int64(n))
	}
	if n < 1<<7 || bits <= 7 {
		return nil
	}
	return join(grammarUnsigned(b[1:], bits-7), n)
}

// grammarSigned implements the production sN.
func grammarSigned(b []byte, bits int) *big.Int {
	if len(b) == 0 {
		return nil
	}
	n := int(b[0])
	switch {
	case n < 1<<6 && (bits > 7 || n < 1<<(bits-1)):
		return big.NewInt(int64(n))
	case n >= 1<<6 && n < 1<<7 && (bits > 7 || n >= 1<<7-1<<(bits-1)):
		return big.NewInt(int64(n - 1<<7))
	case n >= 1<<7 && bits > 7:
		return join(grammarSigned(b[1:], bits-7), n)
	}
	return nil
}

func join(m *big.Int, n int) *big.Int {
	if m == nil {
		return nil
	}
	m.Lsh(m, 7)
	return m.Add(m, big.NewInt(int64(n-1<<7)))
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", MaxNameLength)
	tests := []struct {
		name string
		in   []byte
		want string
		err  string // empty means none
	}{
		{"empty", []byte{0}, "", ""},
		{"four-byte UTF-8", text("a😀"), "a😀", ""},
		{"longest", text(long), long, ""},
		{"too long", text(long + "a"), "", "a name of 4097 bytes is over the limit of 4096, at offset 0"},
		{"cut off", []byte{3, 'a', 'b'}, "", "a name of 3 bytes, but only 2 bytes are left, at offset 1"},
		{"overlong", text("\xc0\x80"), "", `a name is not UTF-8: "\xc0\x80", at offset 0`},
		{"surrogate", text("\xed\xa0\x80"), "", `a name is not UTF-8: "\xed\xa0\x80", at offset 0`},
		{"beyond Unicode", text("\xf4\x90\x80\x80"), "", `a name is not UTF-8: "\xf4\x90\x80\x80", at offset 0`},
		{"cut off in a character", text("\xe2\x82"), "", `a name is not UTF-8: "\xe2\x82", at offset 0`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newReader(test.in)
			if got := r.name("a name"); got != test.want || errorText(r) != test.err {
				t.Errorf("got %q and error %q, want %q and %q", got, errorText(r), test.want, test.err)
			}
		})
	}
}

func TestReaderKeepsFirstFailure(t *testing.T) {
	r := newReader([]byte{0xff, 1, 2, 3})
	r.malformed(2, "first")
	r.unsupported(3, "second")
	if n := r.u32("n"); n != 0 || r.left() != 0 {
		t.Errorf("after a failure: read %d, %d bytes left, want 0 and 0", n, r.left())
	}
	if b := r.bytes("bytes", 1); len(b) != 0 {
		t.Errorf("after a failure: read % x, want nothing", b)
	}
	want := Error{Offset: 2, Message: "first"}
	if *r.err != want {
		t.Errorf("got %+v, want %+v", *r.err, want)
	}
}

func newReader(b []byte) *reader { return &reader{b: b, end: len(b), scope: "module"} }

func errorText(r *reader) string {
	if r.err == nil {
		return ""
	}
	return r.err.Error()
}

// asError returns err as an *Error, and fails the test if it is not one.
func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error of type %T, want *Error: %v", err, err)
	}
	return e
}
