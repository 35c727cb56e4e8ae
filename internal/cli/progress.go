package cli

import (
	"fmt"
	"io"
)

// A progressLine shows at a terminal how far a long task has come, in one line that it rewrites. It writes no escape
// sequences, so that every terminal can show it. It draws whenever it is told to: callers bound how often that is.
type progressLine struct {
	w     io.Writer
	label string
	width int // of the line that is on the terminal, in bytes; 0 means none
}

// show draws that done of a total are done, and nothing while the total is 0.
func (p *progressLine) show(done, total int) {
	if total <= 0 {
		return
	}
	line := fmt.Sprintf("%s: %d of %d (%d%%)", p.label, done, total, 100*done/total)
	fmt.Fprintf(p.w, "\r%-*s", p.width, line) // an error is no reason to stop the task
	p.width = len(line)
}

// clear empties the line and leaves the cursor at its beginning.
func (p *progressLine) clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.width, "")
	}
	p.width = 0
}
