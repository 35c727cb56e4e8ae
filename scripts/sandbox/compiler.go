package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/singleflight"

	"registrar/internal/version"
	"registrar/scripts"
)

// CompileCommand is the name of the hidden command of this program that compiles a module; see [CompileChild].
const CompileCommand = "compile-module"

// What compiling one module may take.
const (
	compileWall   = 60 * time.Second
	compileCPU    = 30      // seconds
	compileMemory = 4 << 30 // bytes of address space; Go itself needs 1.4 GiB to start
)

// A compiler makes machine code of modules. A module may exhaust the process that compiles it, so a child process does,
// and leaves the code in a folder that only this program writes to. What was compiled once is loaded from there.
type compiler struct {
	command     []string // starts the child; what it needs to know is appended
	folder      string
	temporary   bool // the folder is gone with this process
	memoryPages uint32
	wall        time.Duration // of one compilation
	cache       wazero.CompilationCache
	flights     singleflight.Group
}

// newCompiler returns a compiler. An empty folder means a temporary one, an empty command this program.
func newCompiler(command []string, folder string, memoryPages uint32) (*compiler, error) {
	c := &compiler{command: command, folder: folder, memoryPages: memoryPages, wall: compileWall}
	if len(command) == 0 {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program, which compiles modules: %w", err)
		}
		c.command = []string{program, CompileCommand}
	}
	var err error
	if folder == "" {
		c.temporary = true
		c.folder, err = os.MkdirTemp("", "registrar-scripts-")
	} else {
		err = privateFolder(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of compiled modules: %w", err)
	}
	if c.cache, err = wazero.NewCompilationCacheWithDir(c.folder); err != nil {
		return nil, fmt.Errorf("opening the folder of compiled modules: %w", err)
	}
	return c, nil
}

// privateFolder makes a folder, or refuses one in which another user could leave machine code for us to run.
func privateFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", path)
	case !ours(info):
		return fmt.Errorf("%s belongs to another user", path)
	case info.Mode().Perm() != 0o700:
		return fmt.Errorf("%s has the mode %04o: it must be 0700, for this user alone", path, info.Mode().Perm())
	}
	return nil
}

// runtimeConfig is what parent and child must agree on, since compiled code depends on it.
func runtimeConfig(memoryPages uint32, cache wazero.CompilationCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithMemoryLimitPages(memoryPages).
		WithDebugInfoEnabled(false).
		WithCompilationCache(cache)
}

// vet makes sure that the module's code is in the folder. The same module is compiled once at a time. An error that is
// a *[scripts.RejectedError] is the module's fault.
func (c *compiler) vet(ctx context.Context, module []byte) error {
	sum := sha256.Sum256(module)
	digest := hex.EncodeToString(sum[:])
	mark := filepath.Join(c.folder, "vetted-"+version.Get().Wazero()+"-"+runtime.GOARCH, digest)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	// A flight serves several callers, so the end of the first one's request must not end it.
	_, err, _ := c.flights.Do(digest, func() (any, error) {
		if err := c.runChild(context.WithoutCancel(ctx), module); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(mark), 0o700); err != nil {
			return nil, err
		}
		return nil, os.WriteFile(mark, nil, 0o600)
	})
	return err
}

// runChild compiles a module in a process of its own.
func (c *compiler) runChild(ctx context.Context, module []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.wall)
	defer cancel()
	var said bytes.Buffer
	args := append(slices.Clone(c.command[1:]), c.folder, strconv.FormatUint(uint64(c.memoryPages), 10))
	child := exec.CommandContext(ctx, c.command[0], args...)
	child.Stdin = bytes.NewReader(module)
	child.Stderr = &limited{buffer: &said, left: 4 << 10}
	child.WaitDelay = time.Second            // what it may have started must not keep us
	child.Env = []string{"GOTRACEBACK=none"} // not ours: it holds the operator's secrets
	err := startAndWait(child)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return scripts.Reject("compiling the module took longer than %s", c.wall)
	case exited && exit.ExitCode() == exitInvalid:
		return scripts.Reject("the module does not compile: %s", strings.TrimSpace(said.String()))
	case exited:
		return scripts.Reject("compiling the module took more than %d s of CPU or %d GiB of memory, "+
			"or crashed the compiler (%s)", compileCPU, compileMemory>>30, exit)
	}
	return fmt.Errorf("starting the compiler: %w", err)
}

// close closes the cache, and removes a temporary folder.
func (c *compiler) close(ctx context.Context) error {
	err := c.cache.Close(ctx)
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.folder))
	}
	return err
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
