package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"registrar/internal/guard"
	"registrar/scripts/codecache"
)

// ErrUnavailable reports that a module cannot be loaded now, which is not the module's fault: too many are being
// compiled, or the folder of compiled modules cannot be written.
var ErrUnavailable = errors.New("modules cannot be loaded now")

// A compiler makes machine code of modules. A module may exhaust the process that compiles it, so a child process does,
// one at a time, and leaves the code in a cache. This process only ever loads code that a child sealed and that is
// whole.
type compiler struct {
	command     []string // starts the child; what it needs to know is appended
	root        string   // the folder of the cache
	temporary   bool     // the folder is gone with this process
	memoryPages uint32
	key         codecache.Key
	files       *codecache.Cache
	cache       wazero.CompilationCache // reads the files
	loads       keyedLock
	queue       queue
	guard       *guard.Guard
	lookUp      context.Context              // see newLookUp
	limits      func(size int) compileLimits // of one compilation
	log         func(ctx context.Context, message string, args ...any)
}

// newCompiler returns a compiler. An empty folder means a temporary one, an empty command this program.
func newCompiler(c Config) (*compiler, error) {
	o := &compiler{
		command: c.CompileCommand, root: c.CacheFolder, memoryPages: c.MemoryPages, guard: c.Guard,
		log:    c.Logger.WarnContext,
		limits: limitsFor, loads: newKeyedLock(), queue: newQueue(), lookUp: newLookUp(),
	}
	if len(o.command) == 0 {
		program, err := thisProgram()
		if err != nil {
			return nil, fmt.Errorf("finding this program, which compiles modules: %w", err)
		}
		o.command = []string{program, CompileCommand}
	}
	var err error
	if o.root == "" {
		o.temporary = true
		o.root, err = os.MkdirTemp("", "registrar-scripts-")
	} else {
		err = privateFolder(o.root)
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of compiled modules: %w", err)
	}
	o.key = codecache.NewKey(fmt.Sprintf("%d pages of memory", o.memoryPages))
	if o.files, err = codecache.Open(o.root, o.key); err != nil {
		return nil, err
	}
	if o.cache, err = wazero.NewCompilationCacheWithDir(o.files.Code()); err != nil {
		return nil, fmt.Errorf("opening the folder of compiled modules: %w", err)
	}
	return o, nil
}

// errNotFound is what wazero returns where its cache does not have a module, since it may not compile it.
var errNotFound = errors.New("wazero does not find the code that was compiled")

// newLookUp returns a context with which wazero finds a module in its cache, and compiles none. It leaves the functions
// to two workers, which look at the context before each function: this one is done.
func newLookUp() context.Context {
	ctx, done := context.WithCancelCause(context.Background())
	done(errNotFound)
	return experimental.WithCompilationWorkers(ctx, 2)
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
		return fmt.Errorf("%s has the mode %04o: it must be 0700, only for this user", path, info.Mode().Perm())
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

// A source is a module to be loaded.
type source struct {
	digest string       // of what was uploaded
	size   int          // of what was uploaded, in bytes
	module []byte       // what wazero reads: the same module, rewritten
	judge  func() error // called before compilation; an error rejects the module, nil means no check
}

// load loads a module into a runtime that has the compiler's cache. Modules with the same bytes are loaded one after
// the other: wazero hands out a module that another load found in a file before its entry code is there (its issue
// 2547). A *[scripts.RejectedError] is the module's fault; [ErrUnavailable] is the server's.
func (c *compiler) load(ctx context.Context, runtime wazero.Runtime, s source) (wazero.CompiledModule, error) {
	name := codecache.Name{Uploaded: s.digest, Compiled: codecache.Sum(s.module)}
	var compiled wazero.CompiledModule
	err := c.loads.do(ctx, name.Compiled, func() (err error) {
		compiled, err = c.loadWhole(ctx, runtime, name, s)
		return err
	})
	return compiled, err
}

// loadWhole loads code that is whole, and has it compiled where there is none.
func (c *compiler) loadWhole(
	ctx context.Context, runtime wazero.Runtime, name codecache.Name, s source,
) (compiled wazero.CompiledModule, err error) {
	for range 2 {
		if err := c.ensure(ctx, name, s); err != nil {
			return nil, err
		}
		// wazero could still panic over what it reads.
		panicked := c.guard.Run(guard.Modules, func() { compiled, err = runtime.CompileModule(c.lookUp, s.module) })
		if err = errors.Join(err, panicked); err == nil {
			return compiled, nil
		}
		c.log(ctx, "the code of a module is whole, but does not load: it is compiled again", "module", s.digest,
			"error", err)
		if err := c.files.Remove(name); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil, fmt.Errorf("loading what a child compiled: %w", err)
}

// ensure has a module compiled unless its code is there and whole.
func (c *compiler) ensure(ctx context.Context, name codecache.Name, s source) error {
	whole, damage := c.files.Check(name)
	if whole {
		return nil
	}
	if damage != nil {
		c.log(ctx, "the code of a module is not as it was compiled: it is compiled again", "module", s.digest,
			"folder", c.root, "error", damage)
	}
	if s.judge != nil {
		if err := s.judge(); err != nil {
			return err
		}
	}
	leave, err := c.queue.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return c.compile(ctx, name, s)
}

// compile has a child compile a module, and puts the code into the cache.
func (c *compiler) compile(ctx context.Context, name codecache.Name, s source) error {
	folder, remove, err := c.files.Begin()
	if err != nil {
		return unavailable(err)
	}
	defer remove()
	if err := c.runChild(ctx, folder, s); err != nil {
		return unavailable(err)
	}
	return unavailable(c.files.Install(folder, name))
}

// unavailable makes an error of the disk one that is ErrUnavailable.
func unavailable(err error) error {
	if _, ok := errors.AsType[*codecache.StorageError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// close closes the cache, and removes a temporary folder.
func (c *compiler) close(ctx context.Context) error {
	err := c.cache.Close(ctx)
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.root))
	}
	return err
}
