package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"

	"registrar/scripts"
	"registrar/scripts/codecache"
)

// CompileCommand is the name of the hidden command of this program that compiles a module or packs a script; see
// [CompileChild].
const CompileCommand = "compile-module"

// compileLimits are what compiling one module may take.
type compileLimits struct {
	cpu  int           // seconds
	wall time.Duration // more than cpu, since others run on the machine
}

// compileMemory is how much memory a child may have: bytes of address space. Go itself needs 1.4 GiB to start.
const compileMemory = 4 << 30

// limitsFor returns what compiling a module of so many bytes may take: 3 s of CPU, and 3 s for each MiB. What compilers
// make takes a third of that at most.
func limitsFor(size int) compileLimits {
	cpu := 3 + (3*size+1<<20-1)>>20
	return compileLimits{cpu: cpu, wall: 10*time.Second + 3*time.Duration(cpu)*time.Second}
}

// The exit codes of a child that say why there is no code; [CompileChild] returns 0 where there is.
const (
	exitDefect  = 1 // of this program
	exitInvalid = 3 // the module does not compile
	exitStorage = 4 // the code cannot be written
)

// maxCompiled bounds what a child reads, in bytes.
const maxCompiled = 256 << 20

// runChild has a child compile a module into a folder that [codecache.Cache.Begin] made, and seal it there.
func (c *compiler) runChild(ctx context.Context, folder string, s source) error {
	limit := c.limits(s.size)
	var said bytes.Buffer
	failure, err := c.startChild(ctx, limit, bytes.NewReader(s.module), nil, &limited{buffer: &said, left: 4 << 10},
		folder, c.key.String(), strconv.FormatUint(uint64(c.memoryPages), 10), strconv.Itoa(limit.cpu))
	reason := strings.TrimSpace(said.String())
	switch {
	case err != nil || failure == nil:
		return err
	case failure.overdue:
		return scripts.Reject("compiling the module took longer than %s", limit.wall)
	case failure.code == exitInvalid:
		return scripts.Reject("the module does not compile: %s", reason)
	case failure.code == exitStorage:
		return &codecache.StorageError{Err: errors.New(reason)}
	case failure.code == exitDefect:
		return fmt.Errorf("compiling the module: %s", reason)
	}
	return scripts.Reject("compiling the module took more than %d s of CPU or %d GiB of memory, "+
		"or crashed the compiler (%s)", limit.cpu, compileMemory>>30, failure.state)
}

// A childFailure is how a child ended that did not do its work.
type childFailure struct {
	overdue bool   // it was ended, since it took too long
	code    int    // its exit code, if it was not overdue; -1 for a signal
	state   string // in words
}

// startChild runs a child with these arguments to its end. The error is of this process, or [ErrUnavailable] if ctx
// ended.
func (c *compiler) startChild(
	ctx context.Context, limit compileLimits, in io.Reader, out, said io.Writer, args ...string,
) (*childFailure, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit.wall, errOverdue)
	defer cancel()
	child := exec.CommandContext(ctx, c.command[0], append(slices.Clone(c.command[1:]), args...)...)
	child.Stdin, child.Stdout, child.Stderr = in, out, said
	child.WaitDelay = time.Second // what it may have started must not keep us
	child.Env = childEnvironment()
	err := startAndWait(child)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(context.Cause(ctx), errOverdue):
		return &childFailure{overdue: true}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: while a child process worked on it: %w", ErrUnavailable, ctx.Err())
	case exited:
		return &childFailure{code: exit.ExitCode(), state: exit.String()}, nil
	}
	return nil, fmt.Errorf("starting the compiler: %w", err)
}

var errOverdue = errors.New("the compiler takes too long")

// childEnvironment returns the environment of children: not ours, which holds the operator's secrets. GODEBUG may
// switch CPU features off, on which code depends.
func childEnvironment() []string {
	environment := []string{"GOTRACEBACK=none"}
	if debug, set := os.LookupEnv("GODEBUG"); set {
		environment = append(environment, "GODEBUG="+debug)
	}
	return environment
}

// limited keeps the first bytes that are written to it.
type limited struct {
	buffer *bytes.Buffer
	left   int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.buffer.Write(p[:n])
	l.left -= n
	return len(p), nil
}

// CompileChild is the whole work of the hidden command: it limits its own process, reads a module from in, and leaves
// its code, sealed, in the folder that args name. The other args are the cache's key, the pages of memory that a module
// may have, and the seconds of CPU that the process may take. It returns the exit code, and writes why there is no code
// to reasons. With two args, a script's file and the seconds, it packs the script on in instead, to out.
func CompileChild(ctx context.Context, args []string, in io.Reader, out, reasons io.Writer) (exit int) {
	if len(args) == 2 {
		return packChild(ctx, args, in, out, reasons)
	}
	err := compileSealed(ctx, args, in)
	if err == nil {
		return 0
	}
	fmt.Fprintln(reasons, err)
	_, isInvalid := errors.AsType[*invalidError](err)
	switch {
	case isStorage(err):
		return exitStorage
	case isInvalid:
		return exitInvalid
	}
	return exitDefect
}

// An invalidError is why a module does not compile.
type invalidError struct{ error }

// Unwrap returns wazero's error.
func (e *invalidError) Unwrap() error { return e.error }

// isStorage reports whether a file could not be written.
func isStorage(err error) bool {
	_, isPath := errors.AsType[*fs.PathError](err)
	_, isLink := errors.AsType[*os.LinkError](err)
	_, isFolder := errors.AsType[*codecache.StorageError](err)
	return isPath || isLink || isFolder
}

func compileSealed(ctx context.Context, args []string, in io.Reader) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: %s FOLDER KEY PAGES SECONDS, or FILE SECONDS", CompileCommand)
	}
	folder, key := args[0], codecache.Key(args[1])
	pages, err := strconv.ParseUint(args[2], 10, 32)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseUint(args[3], 10, 32)
	if err != nil {
		return err
	}
	if err := limitSelf(seconds); err != nil {
		return errors.New("limiting the compiler: " +
			err.Error()) // not wrapped: a file error in it is not the folder's
	}
	module, err := io.ReadAll(io.LimitReader(in, maxCompiled))
	if err != nil {
		return errors.New("reading the module: " + err.Error())
	}
	cache, err := wazero.NewCompilationCacheWithDir(codecache.CompilerCode(folder))
	if err != nil {
		return &codecache.StorageError{Err: err}
	}
	defer cache.Close(ctx)
	rt := wazero.NewRuntimeWithConfig(ctx, runtimeConfig(uint32(pages), cache))
	defer rt.Close(ctx)
	if _, err := rt.CompileModule(ctx, module); err != nil {
		return &invalidError{err}
	}
	return codecache.Seal(folder, key, module)
}
