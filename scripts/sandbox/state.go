package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"registrar/hostfuncs"
	"registrar/scripts/memory"
	"registrar/scripts/metering"
	"registrar/scripts/snapshot"
	"registrar/scripts/wasmbin"
)

// A state is what an instance had when it was initialized, its memory apart. With it and the memory's image another
// instance begins where that one was, and a used one is put back there.
type state struct {
	size       uint32   // of the memory, in bytes
	values     []uint64 // of the globals
	generators snapshot.Generators
	log        *hostfuncs.Log // names the script that was loaded first
}

// begin prepares what instances of a module begin with: its data, or, where nothing else distinguishes an initialized
// instance from a new one, the memory and the globals of one that is initialized here. Where more does, each instance
// is initialized by itself; here one is on trial. An error is the trial's.
func (m *Module) begin(ctx context.Context, l snapshot.Layout) error {
	if l.InModule {
		return m.try(ctx)
	}
	s := m.sandbox
	m.image = s.image(l.Content)
	if !l.Complete || m.program() { // a program begins anew each time
		return m.try(ctx)
	}
	m.globals = l.Globals
	i, err := m.newInstance(ctx)
	if err != nil {
		return err
	}
	data := m.image
	defer func() {
		i.Close()
		if m.image != data {
			_ = data.Close() // a mapping that is not removed is but an address
		}
	}()
	draws := &recorder{source: s.config.Random}
	if err := i.initialize(ctx, draws); err != nil || i.broken {
		return err
	}
	content := i.memory()
	generators, found := snapshot.Find(content, draws.all)
	if !found {
		return nil
	}
	m.state = &state{size: uint32(len(content)), generators: generators, log: i.log}
	for _, g := range i.globals {
		m.state.values = append(m.state.values, g.Get())
	}
	m.image = s.image(content)
	return nil
}

// try makes an instance, to learn whether one can be made.
func (m *Module) try(ctx context.Context) error {
	i, err := m.instantiate(ctx)
	if err != nil {
		return err
	}
	i.Close()
	return nil
}

func (s *Sandbox) image(content []byte) *memory.Image {
	content = bytes.TrimRight(content, "\x00")
	return memory.NewImage(content, int(s.config.MemoryPages)*wasmbin.PageSize, s.buffers)
}

// restore brings an unused instance, or one whose memory was reset, to where the saved one was, except for its random
// numbers.
func (s *state) restore(i *Instance, random io.Reader) error {
	guest := i.guest.Memory()
	if _, ok := guest.Grow((s.size - guest.Size()) / wasmbin.PageSize); !ok {
		return fmt.Errorf("its memory does not grow to %d bytes", s.size)
	}
	for j, g := range i.globals {
		g.Set(s.values[j])
	}
	if err := s.generators.Seed(i.memory(), random); err != nil {
		return fmt.Errorf("seeding its random numbers: %w", err)
	}
	*i.log = *i.module.log.Clone() // copied, so that it needs no allocation
	return nil
}

// renew puts back all that a guest can change, so that a used instance is as a new one. It fails where that is
// impossible.
func (i *Instance) renew() error {
	s := i.module.state
	switch {
	case s == nil || i.lent == nil:
		return errors.New("what it changed is not known")
	case i.broken || i.depth > 0:
		return errors.New("it is in the middle of something")
	}
	if err := i.lent.shrink(i.guest.Memory(), s.size); err != nil {
		return err
	}
	copied, err := i.lent.memory.Reset()
	if err != nil {
		return err
	}
	i.light = copied <= lightMemory
	i.fuel.Set(0)
	i.calls.Set(metering.DefaultCalls)
	return s.restore(i, i.module.sandbox.config.Random)
}

// A lender gives one instance its memory, and keeps a reference to it.
type lender struct {
	image     *memory.Image
	memory    memory.Memory
	shrinking uint64 // what a memory that is to shrink shrinks to, in bytes; else 0
}

// Allocate implements [experimental.MemoryAllocator].
func (l *lender) Allocate(_, _ uint64) experimental.LinearMemory {
	l.memory = l.image.New()
	return l
}

// Reallocate implements [experimental.LinearMemory].
func (l *lender) Reallocate(size uint64) []byte {
	if l.shrinking > 0 {
		size = l.shrinking
	}
	return l.memory.Reallocate(size)
}

// Free implements [experimental.LinearMemory].
func (l *lender) Free() { l.memory.Free() }

// shrink makes a memory as large as it was when its instance began. WebAssembly has no such instruction, so wazero is
// asked to grow the memory, and takes what it is given. It fails for a memory that cannot grow any more.
func (l *lender) shrink(m api.Memory, size uint32) error {
	if m.Size() == size {
		return nil
	}
	l.shrinking = uint64(size)
	defer func() { l.shrinking = 0 }()
	if _, ok := m.Grow(1); !ok || m.Size() != size {
		return fmt.Errorf("its memory has grown to %d bytes and does not shrink to %d", m.Size(), size)
	}
	return nil
}

// A recorder keeps what was read through it, read by read.
type recorder struct {
	source io.Reader
	all    [][]byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	r.all = append(r.all, bytes.Clone(p[:n]))
	return n, err
}
