package scripts

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"registrar/engine"
	"registrar/scripts/catalog"
)

// A pool makes instances ahead of need. Each serves one registration. Then it is closed, or, where all that it changed can
// be put back, made again what it was when nobody had used it.
type pool struct {
	host  *Host
	size  int            // of each script's shelf
	wants chan *script   // scripts whose shelf lost an instance
	given chan *instance // that were used
	slots chan struct{}  // holds one element for each instance that is being made because a shelf was empty
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// A shelf holds a script's instances that wait.
type shelf struct {
	ready  chan *instance
	mu     sync.Mutex
	closed bool
}

// newPool returns a pool with its worker. One is enough: refilling must not take the machine away from registrations.
func newPool(h *Host, size int) *pool {
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{host: h, size: size, wants: make(chan *script, 1024), given: make(chan *instance, 1024), slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), stop: stop}
	p.ended.Go(func() { p.refill(ctx) })
	return p
}

// open gives a script its shelf and has it filled.
func (p *pool) open(s *script) {
	s.shelf = &shelf{ready: make(chan *instance, p.size)}
	p.want(s)
}

// want asks for an instance. Where too many are asked for already, the shelf is refilled by a later want.
func (p *pool) want(s *script) {
	select {
	case p.wants <- s:
	default:
	}
}

// give takes back an instance that was used. Where the worker has too much to do, it is closed.
func (p *pool) give(i *instance) {
	if i.script.shelf != nil && i.script.state != nil && !i.broken {
		select {
		case p.given <- i:
			return
		default:
		}
	}
	i.close()
}

func (p *pool) refill(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case i := <-p.given:
			p.renew(i)
		case s := <-p.wants:
			p.fill(ctx, s)
		}
	}
}

// renew puts an instance back on its shelf.
func (p *pool) renew(i *instance) {
	s := i.script
	if !p.host.hold(s.deployed) {
		i.close()
		return
	}
	defer p.host.unpin(s.deployed)
	if s.shelf.full() || p.host.renew(i) != nil {
		i.close()
		return
	}
	p.observe(s, catalog.InstanceRenewed)
	s.shelf.add(i)
}

// fill fills a script's shelf, with instances that were used while there are any, since that is less work. One want
// stands for all that is missing, since wants may have been dropped.
func (p *pool) fill(ctx context.Context, s *script) {
	if !p.host.hold(s.deployed) {
		return
	}
	defer p.host.unpin(s.deployed)
	for ctx.Err() == nil && !s.shelf.full() {
		select {
		case i := <-p.given:
			p.renew(i)
			continue
		default:
		}
		i, err := p.host.instantiate(ctx, s)
		if err != nil {
			return // whoever needs an instance makes one, and is told why that does not work
		}
		p.observe(s, catalog.InstanceMade)
		s.shelf.add(i)
	}
}

// take returns an instance of a script that nobody used before.
func (p *pool) take(ctx context.Context, s *script) (*instance, error) {
	if s.shelf != nil { // nil in a dry run
		select {
		case i := <-s.shelf.ready:
			p.want(s) // not before: the worker would find the shelf full
			p.observe(s, catalog.InstanceTaken)
			return i, nil
		default:
			p.want(s)
			p.observe(s, catalog.InstanceMissing)
		}
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for an instance of script %s: %w: %w", s.Name, engine.ErrUnavailable, ctx.Err())
	}
	defer func() { <-p.slots }()
	i, err := p.host.instantiate(ctx, s)
	if err == nil && s.shelf != nil {
		p.observe(s, catalog.InstanceMade)
	}
	return i, err
}

func (p *pool) observe(s *script, event catalog.InstanceEvent) {
	p.host.config.Observer.Instance(s.Name, event)
}

// close ends the worker, and the instances that it was given.
func (p *pool) close() {
	p.stop()
	p.ended.Wait()
	for {
		select {
		case i := <-p.given:
			i.close()
		default:
			return
		}
	}
}

func (s *shelf) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || len(s.ready) == cap(s.ready)
}

// add puts an instance on the shelf, or ends it where the shelf is full or closed.
func (s *shelf) add(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		select {
		case s.ready <- i:
			return
		default:
		}
	}
	i.close()
}

// close ends the instances that wait, and those that come too late.
func (s *shelf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for {
		select {
		case i := <-s.ready:
			i.close()
		default:
			return
		}
	}
}
