package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"

	"registrar/internal/guard"
	"registrar/scripts"
	"registrar/scripts/memory"
)

// A loaded is what all Modules of the same bytes share: the code, and what instances begin with. It is complete before
// it is shared, and does not change.
type loaded struct {
	verdict  scripts.Module
	compiled wazero.CompiledModule
	globals  []string      // exports of the globals that the state has values of
	image    *memory.Image // what instances find in their memory; nil where it begins as the module says
	state    *state        // the rest of what they begin with; nil where they are initialized one by one

	users int // Modules that are not closed; guarded by inUse.mu
}

// program reports whether each run takes an instance of its own.
func (l *loaded) program() bool { return l.verdict.Command() }

// close frees the code and the image. No instance is left.
func (l *loaded) close(ctx context.Context) error {
	return errors.Join(l.compiled.Close(ctx), l.image.Close())
}

// inUse has what is loaded while a Module uses it. The key is the digest of what was uploaded: within one sandbox,
// nothing else decides how a module is rewritten, compiled and initialized.
type inUse struct {
	loads keyedLock // of a digest

	mu       sync.Mutex
	byDigest map[string]*loaded
}

func newInUse() *inUse { return &inUse{loads: newKeyedLock(), byDigest: map[string]*loaded{}} }

// verdict returns the verdict on a module that is in use.
func (u *inUse) verdict(digest string) (verdict scripts.Module, found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.byDigest[digest]
	if l == nil {
		return scripts.Module{}, false
	}
	return l.verdict, true
}

// use counts one more user of what is loaded under the digest, or returns nil.
func (u *inUse) use(digest string) *loaded {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.byDigest[digest]
	if l != nil {
		l.users++
	}
	return l
}

// add shares l, which has one user.
func (u *inUse) add(l *loaded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l.users = 1
	u.byDigest[l.verdict.Digest] = l
}

// forget has the next load of the module begin anew. Those who use l go on.
func (u *inUse) forget(l *loaded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.remove(l)
}

// leave counts one user less, and reports whether it was the last one.
func (u *inUse) leave(l *loaded) (last bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l.users--; l.users > 0 {
		return false
	}
	u.remove(l)
	return true
}

// remove removes l, unless another one has its place. u.mu is held.
func (u *inUse) remove(l *loaded) {
	if u.byDigest[l.verdict.Digest] == l {
		delete(u.byDigest, l.verdict.Digest)
	}
}

// Load compiles a module for a script of that name, and initializes one instance, unless another Module has the same
// bytes: then both share what that one has loaded. verdict is what Inspect returned for wasm. A module that does not
// compile, or whose instance fails, gets a *[scripts.RejectedError], an instance that exceeds its wall clock
// [ErrUnavailable].
func (s *Sandbox) Load(ctx context.Context, name string, verdict scripts.Module, wasm []byte) (*Module, error) {
	var m *Module
	err := s.inUse.loads.do(ctx, verdict.Digest, func() (err error) {
		if l := s.inUse.use(verdict.Digest); l != nil {
			m = &Module{sandbox: s, name: name, loaded: l}
			return nil
		}
		m, err = s.loadAnew(ctx, name, verdict, wasm)
		return err
	})
	if err != nil {
		return nil, err
	}
	if m.state != nil {
		m.log = m.state.log.For(name)
	}
	return m, nil
}

// loadAnew loads a module that is not in use, and shares what it loaded.
func (s *Sandbox) loadAnew(ctx context.Context, name string, verdict scripts.Module, wasm []byte) (*Module, error) {
	compiled, layout, err := s.compile(ctx, verdict.Digest, wasm)
	if err != nil {
		return nil, err
	}
	m := &Module{sandbox: s, name: name, loaded: &loaded{verdict: verdict, compiled: compiled}}
	var failed error
	if err := s.config.Guard.Run(guard.Modules, func() { failed = m.begin(ctx, layout) }); err != nil {
		return nil, errors.Join(fmt.Errorf("initializing the first instance: %w", err), m.loaded.close(ctx))
	}
	if failed != nil {
		_ = m.loaded.close(ctx) // the first error counts
		return nil, m.rejection(ctx, failed)
	}
	s.inUse.add(m.loaded)
	return m, nil
}
