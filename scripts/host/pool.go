package host

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"registrar/engine"
	"registrar/scripts"
)

// A pool makes instances ahead of need. Each serves one registration. Then it is closed, or, where all that it changed can
// be put back, made again what it was when nobody had used it.
type pool struct {
	host  *Host
	size  int           // of each script's shelf
	wants chan *script  // scripts whose shelf has something to be done
	slots chan struct{} // holds one element for each instance that is being made because a shelf was empty
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// newPool returns a pool with its worker. One is enough: refilling must not take the machine away from registrations.
func newPool(h *Host, size int) *pool {
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{host: h, size: size, wants: make(chan *script, 1024), slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), stop: stop}
	p.ended.Go(func() { p.work(ctx) })
	return p
}

// open gives a script its shelf and has it filled.
func (p *pool) open(s *script) {
	s.shelf = &shelf{size: p.size, lacks: func() { p.want(s) }}
	p.want(s)
}

// want has the worker look at a script's shelf. Where too many wait for it already, a later want stands for this one.
func (p *pool) want(s *script) {
	select {
	case p.wants <- s:
	default:
	}
}

func (p *pool) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-p.wants:
			p.fill(ctx, s)
		}
	}
}

// fill makes what a script's shelf lacks, from instances that were used while there are any, since that is less work. One
// want stands for all that is missing, since wants may have been dropped.
func (p *pool) fill(ctx context.Context, s *script) {
	if !p.host.hold(s.deployed) {
		s.shelf.discard()
		return
	}
	defer p.host.unpin(s.deployed)
	for ctx.Err() == nil {
		if i := s.shelf.takeUsed(); i != nil {
			p.renew(i)
			continue
		}
		if !s.shelf.lacking() {
			return
		}
		i, err := p.host.instantiate(ctx, s)
		if err != nil {
			return // whoever needs an instance makes one, and is told why that does not work
		}
		p.observe(s, scripts.InstanceMade)
		s.shelf.count(i)
		s.shelf.add(i)
	}
}

// renew puts an instance back on its shelf, whose deployment is held.
func (p *pool) renew(i *instance) {
	if i.script.shelf.full() || p.host.renew(i) != nil {
		i.close()
		return
	}
	p.observe(i.script, scripts.InstanceRenewed)
	i.script.shelf.add(i)
}

// give takes back an instance that was used, whose deployment is held. What is quickly made new is made new here: that takes
// less than to wake the worker, and the next registration finds it where it is still in the processor's cache.
func (p *pool) give(i *instance) {
	switch s := i.script; {
	case s.shelf == nil || s.state == nil || i.broken:
		i.close()
	case i.light:
		p.renew(i)
	default:
		s.shelf.addUsed(i)
		p.want(s)
	}
}

// take returns an instance of a script that nobody used before.
func (p *pool) take(ctx context.Context, s *script) (*instance, error) {
	if s.shelf != nil { // nil in a dry run
		i, low := s.shelf.take()
		if low {
			p.want(s)
		}
		if i != nil {
			p.observe(s, scripts.InstanceTaken)
			return i, nil
		}
		p.observe(s, scripts.InstanceMissing)
		if i = p.takeUsed(s); i != nil {
			return i, nil
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
		p.observe(s, scripts.InstanceMade)
		s.shelf.count(i)
	}
	return i, err
}

// takeUsed makes an instance new that the worker did not come to, nil where there is none.
func (p *pool) takeUsed(s *script) *instance {
	i := s.shelf.takeUsed()
	if i == nil {
		return nil
	}
	if p.host.renew(i) != nil {
		i.close()
		return nil
	}
	p.observe(s, scripts.InstanceRenewed)
	return i
}

func (p *pool) observe(s *script, event scripts.InstanceEvent) {
	p.host.config.Observer.Instance(s.Name, event)
}

// close ends the worker.
func (p *pool) close() {
	p.stop()
	p.ended.Wait()
}
