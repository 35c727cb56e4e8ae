package cli

import (
	"context"
	"os"

	"registrar/scripts/sandbox"
)

// compileCommand compiles a module or packs a script in a separate process, which may crash. Its name is
// [sandbox.CompileCommand].
type compileCommand struct {
	Args []string `arg:""`
}

// Run compiles the module on standard input, or packs the script there.
func (c *compileCommand) Run(ctx context.Context, to *console) error {
	if code := sandbox.CompileChild(ctx, c.Args, os.Stdin, to.out, to.err); code != exitDone {
		return exited(code)
	}
	return nil
}
