package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"registrar/scripts"
)

// A script that exhausts what packs it is refused, and the server packs the next one.
func TestPackScript(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	const step = "export function set_max_age() {}\n"
	for _, tt := range []struct{ name, text, want string }{
		{"a syntax error", "export function set_max_age( {\n", "a.js:2:1: Expected identifier"},
		{"memory", step + "for (let all = [];;) all.push(new Uint8Array(1 << 20).fill(1));\n",
			"a.js:2:35: the script's top level fails: InternalError: out of memory"},
		{"nesting", step + "const x = " + strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000) + ";\n", ""},
	} {
		_, err := s.PackScript(t.Context(), "a.js", []byte(tt.text))
		rejected, ok := errors.AsType[*scripts.RejectedError](err)
		if !ok || !strings.Contains(rejected.Error(), tt.want) {
			t.Errorf("%s: got %v, want a rejection with %q", tt.name, err, tt.want)
		}
	}
	if _, err := s.PackScript(t.Context(), "a.js", []byte(step)); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := s.PackScript(ctx, "a.js", []byte(step)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without time: got %v, want ErrUnavailable", err)
	}
}
