package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// state returns the state in memory of a generator with the given first key, after n numbers.
func state(key [seedSize]byte, n int) []byte {
	g := rand.NewChaCha8(key)
	for range n {
		g.Uint64()
	}
	saved, _ := g.MarshalBinary()
	used := int(binary.BigEndian.Uint64(saved[8:]))
	again := rand.NewChaCha8([seedSize]byte(saved[16:]))
	for range used / words * words {
		again.Uint64()
	}
	limit := words
	if used/words == 3 {
		limit = words - 4
	}
	var b []byte
	for range limit {
		b = binary.LittleEndian.AppendUint64(b, again.Uint64())
	}
	b = append(b, make([]byte, bufferSize-len(b))...)
	b = append(b, saved[16:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(used%words))
	b = binary.LittleEndian.AppendUint32(b, uint32(limit))
	return binary.LittleEndian.AppendUint32(b, uint32(used/words*4))
}

// runtimeMemory returns a memory as Go's runtime leaves it with a seed: before numbers were drawn before the seeds of
// the thread's generator and of the global one, and the thread's generator has returned n numbers.
func runtimeMemory(seed [seedSize]byte, before, n int) []byte {
	g := rand.NewChaCha8(seed)
	for range before {
		g.Uint64()
	}
	var thread, global [seedSize]byte
	for _, key := range []*[seedSize]byte{&thread, &global} {
		for i := range 4 {
			binary.LittleEndian.PutUint64(key[8*i:], g.Uint64())
		}
	}
	b := make([]byte, 1000)
	b = append(b, global[:]...) // a key without a state
	b = append(b, state(thread, n)...)
	b = append(b, make([]byte, 777)...)
	return append(append(b, state(global, 0)...), 1, 2, 3)
}

func TestFind(t *testing.T) {
	seed := [seedSize]byte{1, 2, 3}
	for _, before := range []int{0, 4, 16} {
		for _, n := range []int{0, 1, 31, 32, 33, 100, 123, 124, 125, 500, 5000} {
			memory := runtimeMemory(seed, before, n)
			g, ok := Find(memory, [][]byte{seed[:]})
			if !ok || len(g) != 2 {
				t.Errorf("after %d and %d numbers: got %v, %t, want two generators", before, n, g, ok)
			}
		}
	}
}

func TestFindFails(t *testing.T) {
	seed := [seedSize]byte{1, 2, 3}
	memory := runtimeMemory(seed, 4, 1)
	if g, ok := Find(memory, nil); !ok || g != nil {
		t.Errorf("without draws: got %v, %t, want none, true", g, ok)
	}
	for name, draws := range map[string][][]byte{
		"two draws":      {seed[:], seed[:]},
		"another seed":   {bytes.Repeat([]byte{7}, seedSize)},
		"a shorter draw": {seed[:16]},
		"a longer draw":  {append(seed[:], 1)},
		"only zeros":     {make([]byte, seedSize)},
	} {
		if g, ok := Find(memory, draws); ok {
			t.Errorf("%s: got %v, want false", name, g)
		}
	}
	for name, memory := range map[string][]byte{
		"without the thread's buffer":  memory[1000+seedSize+bufferSize:],
		"without the global state":     memory[:1000+seedSize+stateSize+700],
		"part of the global state":     memory[:len(memory)-20],
		"the thread's numbers changed": bytes.Replace(memory, memory[1000+seedSize:][:8], make([]byte, 8), 1),
		"empty":                        nil,
	} {
		if g, ok := Find(memory, [][]byte{seed[:]}); ok {
			t.Errorf("%s: got %v, want false", name, g)
		}
	}
}

// A generator continues with numbers of its new key after Seed.
func TestSeed(t *testing.T) {
	seed := [seedSize]byte{1, 2, 3}
	memory := runtimeMemory(seed, 4, 1)
	g, _ := Find(memory, [][]byte{seed[:]})
	first, second := bytes.Clone(memory), bytes.Clone(memory)
	keys := make([]byte, 4*seedSize)
	for i := range keys {
		keys[i] = byte(i)
	}
	source := bytes.NewReader(keys)
	for _, m := range [][]byte{first, second} {
		if err := g.Seed(m, source); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(first, second) {
		t.Error("two instances have the same generators")
	}
	for _, at := range g {
		s := first[at-bufferSize:][:stateSize]
		position, limit := binary.LittleEndian.Uint32(s[positionAt:]), binary.LittleEndian.Uint32(s[limitAt:])
		counter := binary.LittleEndian.Uint32(s[counterAt:])
		if position < limit || counter+4 != 16 {
			t.Errorf("the generator has %d of %d numbers left with the old key, block %d",
				limit-position, limit, counter)
		}
		if key := s[bufferSize-seedSize : bufferSize]; !bytes.Contains(keys[:2*seedSize], key) {
			t.Errorf("the next key is % x, want one of the source", key)
		}
	}
	if err := g.Seed(first, bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
		t.Errorf("without random data: got %v, want %v", err, io.EOF)
	}
}
