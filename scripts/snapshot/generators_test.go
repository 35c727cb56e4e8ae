package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// state is a generator's in memory, after it was asked for n numbers.
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

// runtimeMemory is what the runtime of Go makes of a seed: numbers taken before, the thread's generator after n numbers,
// and the global one.
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
	b = append(b, global[:]...) // which is no state
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
				t.Errorf("after %d and %d numbers: found %v, %t", before, n, g, ok)
			}
		}
	}
}

func TestFindNothing(t *testing.T) {
	seed := [seedSize]byte{1, 2, 3}
	memory := runtimeMemory(seed, 4, 1)
	if g, ok := Find(memory, nil); !ok || g != nil {
		t.Errorf("nothing was drawn: found %v, %t", g, ok)
	}
	for name, draws := range map[string][][]byte{
		"two draws":        {seed[:], seed[:]},
		"another seed":     {bytes.Repeat([]byte{7}, seedSize)},
		"a shorter draw":   {seed[:16]},
		"a longer draw":    {append(seed[:], 1)},
		"nothing but zero": {make([]byte, seedSize)},
	} {
		if g, ok := Find(memory, draws); ok {
			t.Errorf("%s: found %v", name, g)
		}
	}
	for name, memory := range map[string][]byte{
		"cut before the thread's key":  memory[1000+seedSize+bufferSize:],
		"cut before the global one's":  memory[:1000+seedSize+stateSize+700],
		"cut within the global one's":  memory[:len(memory)-20],
		"the thread's numbers changed": bytes.Replace(memory, memory[1000+seedSize:][:8], make([]byte, 8), 1),
		"empty":                        nil,
	} {
		if g, ok := Find(memory, [][]byte{seed[:]}); ok {
			t.Errorf("%s: found %v", name, g)
		}
	}
}

// A generator that was seeded goes on with numbers of the new key.
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
		position, limit, counter := binary.LittleEndian.Uint32(s[positionAt:]), binary.LittleEndian.Uint32(s[limitAt:]), binary.LittleEndian.Uint32(s[counterAt:])
		if position < limit || counter+4 != 16 {
			t.Errorf("the generator has %d of %d numbers left under the shared key, block %d", limit-position, limit, counter)
		}
		if key := s[bufferSize-seedSize : bufferSize]; !bytes.Contains(keys[:2*seedSize], key) {
			t.Errorf("the next key is % x", key)
		}
	}
	if err := g.Seed(first, bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
		t.Errorf("without random data: got %v", err)
	}
}
