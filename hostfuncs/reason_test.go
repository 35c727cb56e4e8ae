package hostfuncs

import (
	"strings"
	"testing"
)

func TestReason(t *testing.T) {
	var l Log
	l.Secret("a-secret")
	for text, want := range map[string]string{
		"":                                    "no reason was given",
		" \n\t":                               "no reason was given",
		" é 😀 \\ \"q\" ":                      `é 😀 \ "q"`,
		"one\ntwo\x00\x1b[2J":                 `one\ntwo\x00\x1b[2J`,
		"\u202e\u200b\xff":                    `\u202e\u200b` + "\uFFFD",
		"it is a-secret":                      "it is [redacted]",
		strings.Repeat("é", 600):              strings.Repeat("é", 500) + "…",
		strings.Repeat("x", MaxReason):        strings.Repeat("x", MaxReason),
		strings.Repeat("x", 996) + "a-secret": strings.Repeat("x", 996) + "[red…",
	} {
		if got := l.Reason(text); got != want {
			t.Errorf("%.40q: got %q, want %q", text, got, want)
		}
	}
}

// Runtimes report a panic in a line of standard output or standard error, whatever the pieces in which they write it.
func TestPanicked(t *testing.T) {
	for name, tt := range map[string]struct {
		pieces []string
		want   string
	}{
		"nothing":  {[]string{"all is well\n"}, ""},
		"inside":   {[]string{"no panic: here\n", "a thread 'x' panicked at 'y'\n"}, ""},
		"Go":       {[]string{"panic: ", "boom", "\n\ngoroutine 1 [running]:\n"}, "panic: boom"},
		"Go fatal": {[]string{"fatal error: out of memory\n"}, "fatal error: out of memory"},
		"TinyGo":   {[]string{"panic: boom"}, "panic: boom"},
		"Rust": {[]string{"thread 'main' panicked at 'boom', main.rs:3:5\nnote: run with\n"},
			"thread 'main' panicked at 'boom', main.rs:3:5"},
		"Rust 1.73": {[]string{"thread 'main' panicked at main.rs:3:5:\nboom\nnote: run with\n"},
			"thread 'main' panicked at main.rs:3:5: boom"},
		"two":      {[]string{"panic: one\n", "panic: two\n"}, "panic: two"},
		"too long": {[]string{"panic: " + strings.Repeat("x", MaxLogBytes)}, ""},
	} {
		for stream := range 2 {
			c := &Call{Log: &Log{}}
			for _, piece := range tt.pieces {
				c.write(stream, []byte(piece))
			}
			c.Finish()
			if got := c.Panicked(); got != tt.want {
				t.Errorf("%s on stream %d: got %q, want %q", name, stream, got, tt.want)
			}
		}
	}
}
