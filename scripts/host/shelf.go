package host

import "sync"

// A shelf holds a script's instances that no registration has.
type shelf struct {
	size  int    // how many may wait
	lacks func() // is called where an instance that it counted is gone

	mu     sync.Mutex
	ready  []*instance // that nobody used; the last one that came goes first
	used   []*instance // that are yet to be made new
	living int         // instances that are here, or that registrations have
	closed bool
}

// take returns an instance that nobody used, nil where there is none; and whether more of them should be made.
func (s *shelf) take() (i *instance, low bool) {
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

// takeUsed returns an instance that was used, nil where there is none.
func (s *shelf) takeUsed() *instance {
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

// lacksSome tells whether more instances are to be made: where there are fewer than may wait, those that registrations have
// and give back included, or where few are left.
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

// waiting is how many instances wait that nobody used.
func (s *shelf) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready)
}

// count counts an instance, until it is closed.
func (s *shelf) count(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.living++
	i.counted = true
}

// gone is told of an instance that is closed.
func (s *shelf) gone() {
	s.mu.Lock()
	s.living--
	lacks := s.lacksSome()
	s.mu.Unlock()
	if lacks {
		s.lacks()
	}
}

// add puts an instance on the shelf, or ends it where the shelf is full or closed.
func (s *shelf) add(i *instance) {
	s.mu.Lock()
	fits := !s.closed && len(s.ready) < s.size
	if fits {
		s.ready = append(s.ready, i)
	}
	s.mu.Unlock()
	if !fits {
		i.close()
	}
}

// addUsed puts an instance on the shelf that is yet to be made new, or ends it where there are many.
func (s *shelf) addUsed(i *instance) {
	s.mu.Lock()
	fits := !s.closed && len(s.ready)+len(s.used) < 2*s.size
	if fits {
		s.used = append(s.used, i)
	}
	s.mu.Unlock()
	if !fits {
		i.close()
	}
}

// discard ends the instances that were used.
func (s *shelf) discard() {
	for i := s.takeUsed(); i != nil; i = s.takeUsed() {
		i.close()
	}
}

// close ends the instances that wait, and those that come too late.
func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	ready := s.ready
	s.ready = nil
	s.mu.Unlock()
	for _, i := range ready {
		i.close()
	}
	s.discard()
}
