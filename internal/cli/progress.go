package cli

import (
	"fmt"
	"io"
)

// A progressLine shows the progress of a long task on a terminal, in one line that it rewrites. It writes no escape
// sequences, so that every terminal can show it. Callers bound how often it draws.
type progressLine struct {
	w     io.Writer
	label string
	width int // of the current line, in bytes; 0 means none
}

// show draws the progress, or nothing while total is 0.
func (p *progressLine) show(done, total int) {
	if total <= 0 {
		return
	}
	line := fmt.Sprintf("%s: %d of %d (%d%%)", p.label, done, total, 100*done/total)
	fmt.Fprintf(p.w, "\r%-*s", p.width, line) // an error must not stop the task
	p.width = len(line)
}

// clear empties the line and moves the cursor to its beginning.
func (p *progressLine) clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.width, "")
	}
	p.width = 0
}
