package cli

import (
	"bytes"
	"strings"
	"testing"
)

// onScreen returns the last line that a terminal would show.
func onScreen(written string) string {
	var screen []rune
	column := 0
	for _, r := range written {
		switch {
		case r == '\r':
			column = 0
			continue
		case column < len(screen):
			screen[column] = r
		default:
			screen = append(screen, r)
		}
		column++
	}
	return strings.TrimRight(string(screen), " ")
}

func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := &progressLine{w: &out, label: "replaying"}
	p.clear()
	p.show(0, 0)
	if out.Len() > 0 {
		t.Errorf("total 0: got %q, want nothing", &out)
	}
	for _, step := range []struct {
		done, total int
		want        string
	}{
		{0, 2000, "replaying: 0 of 2000 (0%)"},
		{1999, 2000, "replaying: 1999 of 2000 (99%)"},
		{7, 10, "replaying: 7 of 10 (70%)"}, // shorter than what it overwrites
		{10, 10, "replaying: 10 of 10 (100%)"},
	} {
		p.show(step.done, step.total)
		if got := onScreen(out.String()); got != step.want {
			t.Errorf("%d of %d: got %q, want %q", step.done, step.total, got, step.want)
		}
	}
	p.clear()
	if got := onScreen(out.String()); got != "" || !strings.HasSuffix(out.String(), "\r") {
		t.Errorf("cleared: got %q on the terminal after %q", got, &out)
	}
}
