package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"registrar/internal/guard"
)

// ask asks a question on the terminal and reports whether the answer is yes. Every answer but y and yes is no.
func (c *console) ask(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answers := make(chan string, 1)
	var panics guard.Guard
	panics.Go(guard.Client, func() {
		line, _ := bufio.NewReader(c.in).ReadString('\n') // the end of the input is no
		answers <- line
	})
	select {
	case <-ctx.Done():
		fmt.Fprintln(c.err)
		return false, ctx.Err()
	case line := <-answers:
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes", nil
	}
}
