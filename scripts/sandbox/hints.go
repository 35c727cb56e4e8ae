package sandbox

import (
	"bytes"
	"unicode/utf8"
)

// A mistake is another kind of file than a module, and what to do with it.
type mistake struct {
	begins string // the file's first bytes
	fix    string
}

// mistakes are what is uploaded in place of a module most often.
var mistakes = []mistake{
	{"\x1f\x8b", "the file is compressed by gzip: upload what gunzip makes of it"},
	{"\x00asm\x0d\x00\x01\x00", "the file is a component: build a core module (Rust: the target " +
		"wasm32-unknown-unknown or wasm32-wasip1 in place of wasm32-wasip2, and no cargo component; TinyGo: " +
		"-target wasip1), or take it out by wasm-tools component unbundle"},
	{"\x7fELF", "the file is a program for this machine: build for WebAssembly (Go: GOOS=wasip1 GOARCH=wasm; " +
		"Rust: --target wasm32-unknown-unknown; clang: --target=wasm32)"},
	{"(", "the file is WebAssembly text: upload what wat2wasm or wasm-tools parse makes of it"},
	{";;", "the file is WebAssembly text: upload what wat2wasm or wasm-tools parse makes of it"},
}

// beginning is how many bytes of a file tell whether it is text.
const beginning = 512

// hintFor returns what to do about bytes that are no module, after "; ", or "" if it is not known what they are.
func hintFor(b []byte) string {
	if len(b) == 0 {
		return "; the file is empty"
	}
	for _, m := range mistakes {
		if bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(m.begins)) {
			return "; " + m.fix
		}
	}
	if isText(b) {
		return "; the file is text: a script in JavaScript or TypeScript is packed if its name ends in .js, .mjs, " +
			".ts or " +
			".mts, or if it is sent as text/javascript or application/typescript; of another program, such as one " +
			"whose " +
			"compiler writes JavaScript beside a module, upload the .wasm file"
	}
	return ""
}

// isText reports whether b begins with text in UTF-8.
func isText(b []byte) bool {
	b = b[:min(len(b), beginning)]
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			return len(b) < utf8.UTFMax && !utf8.FullRune(b) // a character that the end of the beginning cuts
		case r < ' ' && r != '\t' && r != '\r' && r != '\n':
			return false
		}
		b = b[size:]
	}
	return true
}
