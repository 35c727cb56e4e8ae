package hostfuncs

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// MaxReason bounds the reason of a failure, in bytes, where a script gives it.
const MaxReason = 1000

// Reason returns the reason of a failure as operators may read it: secrets are replaced by [redacted], other characters
// than printable ones by their escapes in Go, and a text of more than [MaxReason] bytes is cut. A text that is empty
// becomes "no reason was given".
func (l *Log) Reason(text string) string {
	if strings.TrimSpace(text) == "" {
		return "no reason was given"
	}
	var shown strings.Builder
	for _, c := range strings.TrimSpace(l.redact().Replace(strings.ToValidUTF8(text, "\uFFFD"))) {
		escaped := string(c)
		if !unicode.IsPrint(c) {
			quoted := strconv.QuoteRune(c)
			escaped = quoted[1 : len(quoted)-1]
		}
		if shown.Len()+len(escaped) > MaxReason {
			shown.WriteString("…")
			break
		}
		shown.WriteString(escaped)
	}
	return shown.String()
}

// notePanic keeps a line of standard output or standard error by which a runtime reports a panic before it ends the
// program. Go and TinyGo write "panic: TEXT" or "fatal error: TEXT", Rust's standard library under WASI "thread 'main'
// panicked at 'TEXT', FILE:LINE:COLUMN" or, in later versions, "thread 'main' panicked at FILE:LINE:COLUMN:" and the
// text in the line below.
func (c *Call) notePanic(line []byte) {
	switch {
	case len(line) > MaxLogBytes: // it was cut, and with it perhaps a secret
	case c.panicked != "" && c.panicContinues:
		c.panicked += " " + string(line)
		c.panicContinues = false
	case bytes.HasPrefix(line, []byte("panic: ")), bytes.HasPrefix(line, []byte("fatal error: ")):
		c.panicked, c.panicContinues = string(line), false
	case bytes.HasPrefix(line, []byte("thread '")) && bytes.Contains(line, []byte("panicked at ")):
		c.panicked, c.panicContinues = string(line), bytes.HasSuffix(line, []byte(":"))
	}
}

// Panicked returns the last line by which the runtime of the script's language reported a panic, "" if there is none.
// It may hold secrets: see [Log.Reason].
func (c *Call) Panicked() string { return c.panicked }
