package sandbox

import (
	"strings"
	"testing"
)

// The rejection of what is no module says what to do.
func TestInspectHints(t *testing.T) {
	s := newTestSandbox(t, 1)
	s.config.MaxModule = 2000
	for _, tt := range []struct{ name, file, want string }{
		{"gzip", "\x1f\x8b\x08\x08", "compressed by gzip: upload what gunzip makes of it"},
		{"nothing", "", "the file is empty"},
		{"component", "\x00asm\x0d\x00\x01\x00\x00", "a component: build a core module"},
		{"text", "\n (module)", "WebAssembly text: upload what wat2wasm"},
		{"text after a comment", ";; ids\n(module)", "WebAssembly text: upload what wat2wasm"},
		{"JavaScript", "// é\nvar Module = {};\n",
			"text: a script in JavaScript or TypeScript is packed if its name ends in .js"},
		{"JavaScript, long", strings.Repeat("x", beginning-1) + "é",
			"text: a script in JavaScript or TypeScript is packed if its name ends in .js"},
		{"program", "\x7fELF\x02\x01", "a program for this machine"},
		{"large", strings.Repeat("\x00", 2001), "at most 2000 are allowed; leave out debug information"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Inspect([]byte(tt.file)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
	for _, file := range []string{"\x01\x02\x03", "\xff\xfe\xfd\xfc", "\x00asm\x01\x00\x00\x00\x7f"} {
		if _, err := s.Inspect([]byte(file)); err == nil || strings.Contains(err.Error(), "the file is") {
			t.Errorf("%q: got %v, want no guess", file, err)
		}
	}
}
