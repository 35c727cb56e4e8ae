package sandbox

import "sync"

// A shelf holds a module's instances that no registration has.
type shelf struct {
	size  int    // how many may wait
	lacks func() // is called when an instance that the shelf counted is closed and more are needed

	mu     sync.Mutex
	ready  []*Instance // unused; the last one that came goes first
	used   []*Instance // to be renewed
	living int         // instances on the shelf, and those that registrations have
	closed bool
}

// take returns an unused instance, nil where there is none; and whether more of them should be made.
func (s *shelf) take() (i *Instance, low bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.ready)
	if n == 0 {
		return nil, s.lacksSome()
	}
	i = s.ready[n-1]
	s.ready[n-1] = nil
	s.ready = s.ready[:n-1]
	return i, s.lacksSome()
}

// takeUsed returns a used instance, nil where there is none.
func (s *shelf) takeUsed() *Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.used)
	if n == 0 {
		return nil
	}
	i := s.used[n-1]
	s.used[n-1] = nil
	s.used = s.used[:n-1]
	return i
}

// lacksSome reports whether more instances are to be made: there are fewer than may wait, those that registrations have
// and give back included, or few are left.
func (s *shelf) lacksSome() bool {
	return !s.closed && (s.living < s.size || len(s.ready)+len(s.used) < s.size/4)
}

func (s *shelf) lacking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacksSome()
}

func (s *shelf) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || len(s.ready) >= s.size
}

// waiting returns how many unused instances wait.
func (s *shelf) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready)
}

// count counts an instance, until it is closed.
func (s *shelf) count(i *Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.living++
	i.counted = true
}

// gone notes that an instance is closed.
func (s *shelf) gone() {
	s.mu.Lock()
	s.living--
	lacks := s.lacksSome()
	s.mu.Unlock()
	if lacks {
		s.lacks()
	}
}

// add puts an unused instance on the shelf, or closes it where the shelf is full or closed.
func (s *shelf) add(i *Instance) {
	s.mu.Lock()
	fits := !s.closed && len(s.ready) < s.size
	if fits {
		s.ready = append(s.ready, i)
	}
	s.mu.Unlock()
	if !fits {
		i.Close()
	}
}

// addUsed puts a used instance on the shelf, or closes it where there are many.
func (s *shelf) addUsed(i *Instance) {
	s.mu.Lock()
	fits := !s.closed && len(s.ready)+len(s.used) < 2*s.size
	if fits {
		s.used = append(s.used, i)
	}
	s.mu.Unlock()
	if !fits {
		i.Close()
	}
}

// discard closes the used instances.
func (s *shelf) discard() {
	for i := s.takeUsed(); i != nil; i = s.takeUsed() {
		i.Close()
	}
}

// close closes the instances that wait, and has those that come later closed.
func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	ready := s.ready
	s.ready = nil
	s.mu.Unlock()
	for _, i := range ready {
		i.Close()
	}
	s.discard()
}
