package sandbox

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"registrar/internal/guard"
	"registrar/scripts"
)

// A pool makes instances ahead of need. Each serves one registration. Then it is closed, or, where all that it changed
// can be put back, made again what it was before its first use.
type pool struct {
	wants chan *Module  // modules whose shelf has something to be done
	slots chan struct{} // holds one element for each instance that is being made because a shelf was empty
	guard *guard.Guard
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// newPool returns a pool with its worker. One is enough: refilling must not take the machine away from registrations.
func newPool(g *guard.Guard) *pool {
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{wants: make(chan *Module, 1024), slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), guard: g,
		stop: stop}
	g.Follow(ctx, &p.ended, guard.Instances, p.work)
	return p
}

// want has the worker look at a module's shelf. Where too many modules wait for it already, a later want does it.
func (p *pool) want(m *Module) {
	select {
	case p.wants <- m:
	default:
	}
}

func (p *pool) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-p.wants:
			if err := p.guard.Run(guard.Instances, func() { m.fill(ctx) }); err != nil {
				p.end(m, err)
			}
		}
	}
}

// end closes the instances of a module that the worker panicked over, as far as they let it. No later Module shares
// what it has loaded.
func (p *pool) end(m *Module, err error) {
	m.sandbox.inUse.forget(m.loaded)
	_ = p.guard.Run(guard.Instances, m.shelf.close)
	m.failed(err)
}

// close ends the worker.
func (p *pool) close() {
	p.stop()
	p.ended.Wait()
}

// fill makes what the module's shelf lacks, from used instances while there are any, since that is less work. It makes
// all that is missing at once, since further wants may have been dropped.
func (m *Module) fill(ctx context.Context) {
	if !m.hold() {
		m.shelf.discard()
		return
	}
	defer m.unpin()
	for ctx.Err() == nil {
		if i := m.shelf.takeUsed(); i != nil {
			i.renewForShelf()
			continue
		}
		if !m.shelf.lacking() {
			return
		}
		i, err := m.instantiate(ctx)
		if err != nil {
			return // Acquire makes an instance then, and returns why that fails
		}
		m.observe(scripts.InstanceMade)
		m.shelf.count(i)
		m.shelf.add(i)
	}
}

// Acquire returns an instance that no registration has used: one that is ready, else a new one. The caller releases or
// closes it. An error is a *[GuestError] where the module is to blame, or [ErrBusy].
func (m *Module) Acquire(ctx context.Context) (*Instance, error) {
	if m.shelf != nil {
		i, low := m.shelf.take()
		if low {
			m.sandbox.pool.want(m)
		}
		if i != nil {
			m.observe(scripts.InstanceTaken)
			return i, nil
		}
		m.observe(scripts.InstanceMissing)
		if i = m.takeUsed(); i != nil {
			return i, nil
		}
	}
	slots := m.sandbox.pool.slots
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an instance of script %s: %w: %w", m.name, ErrBusy, ctx.Err())
	}
	defer func() { <-slots }()
	i, err := m.instantiate(ctx)
	if err != nil {
		return nil, m.guestError(err, nil)
	}
	if m.shelf != nil {
		m.observe(scripts.InstanceMade)
		m.shelf.count(i)
	}
	return i, nil
}

// takeUsed renews a used instance that the worker has not come to, nil where there is none.
func (m *Module) takeUsed() *Instance {
	i := m.shelf.takeUsed()
	if i == nil {
		return nil
	}
	if i.renew() != nil {
		i.Close()
		return nil
	}
	m.observe(scripts.InstanceRenewed)
	return i
}

// Release gives back an instance. Its module must not be closed before Release returns. An instance that is quickly
// renewed is renewed here: that takes less than to wake the worker, and the next registration finds it in the
// processor's cache.
func (i *Instance) Release() {
	switch m := i.module; {
	case m.shelf == nil || m.state == nil || i.broken:
		i.Close()
	case i.light:
		i.renewForShelf()
	default:
		m.shelf.addUsed(i)
		m.sandbox.pool.want(m)
	}
}

// renewForShelf renews an instance and puts it back on its shelf, or closes it. Its module is held.
func (i *Instance) renewForShelf() {
	m := i.module
	if m.shelf.full() || i.renew() != nil {
		i.Close()
		return
	}
	m.observe(scripts.InstanceRenewed)
	m.shelf.add(i)
}
