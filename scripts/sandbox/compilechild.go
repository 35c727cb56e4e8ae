package sandbox

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/tetratelabs/wazero"
)

// exitInvalid is the exit code of a child whose module does not compile.
const exitInvalid = 3

// maxCompiled bounds what a child reads, in bytes.
const maxCompiled = 256 << 20

// CompileChild is the whole work of the hidden command: it limits its own process, reads a module from in, and leaves
// its code in the folder that args name, before the pages of memory that a module may have. It returns the exit code,
// and writes why a module does not compile to out.
func CompileChild(ctx context.Context, args []string, in io.Reader, out io.Writer) (exit int) {
	fail := func(code int, err error) int {
		fmt.Fprintln(out, err)
		return code
	}
	if len(args) != 2 {
		return fail(1, fmt.Errorf("usage: %s FOLDER PAGES", CompileCommand))
	}
	pages, err := strconv.ParseUint(args[1], 10, 32)
	if err != nil {
		return fail(1, err)
	}
	if err := limitSelf(); err != nil {
		return fail(1, fmt.Errorf("limiting the compiler: %w", err))
	}
	module, err := io.ReadAll(io.LimitReader(in, maxCompiled))
	if err != nil {
		return fail(1, err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(args[0])
	if err != nil {
		return fail(1, err)
	}
	defer cache.Close(ctx)
	rt := wazero.NewRuntimeWithConfig(ctx, runtimeConfig(uint32(pages), cache))
	defer rt.Close(ctx)
	if _, err := rt.CompileModule(ctx, module); err != nil {
		return fail(exitInvalid, err)
	}
	return 0
}
