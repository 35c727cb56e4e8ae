package snapshot

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// Generators are the places in a memory of the generators that were seeded with what the guest drew. Each instance must
// have numbers of its own, although it has the memory of another.
type Generators []int

// Find looks in a guest's memory for what it made of the random data that it drew while it was initialized, draw by draw.
// It is false where that is not known, so that no other instance may begin with this memory: what was drawn may have
// become the seed of anything.
//
// Known are guests that drew nothing, and those of standard Go, whose runtime draws once, a seed for the generators that
// everything else in it gets random numbers from. They are ChaCha8 (C2SP chacha8rand), as in math/rand/v2, so what they
// must look like can be computed.
func Find(memory []byte, draws [][]byte) (Generators, bool) {
	switch {
	case len(draws) == 0:
		return nil, true
	case len(draws) > 1 || len(draws[0]) != seedSize:
		return nil, false
	}
	// The runtime draws a few numbers from the global generator, then the seed of its one thread's, then another one for
	// the global one.
	g := rand.NewChaCha8([seedSize]byte(draws[0]))
	var drawn [8 * maxBefore]byte
	for i := range maxBefore {
		binary.LittleEndian.PutUint64(drawn[8*i:], g.Uint64())
	}
	for before := 0; before+2*seedSize <= len(drawn); before += 8 {
		thread, global := drawn[before:][:seedSize], drawn[before+seedSize:][:seedSize]
		found := states(memory, [seedSize]byte(global))
		if len(found) == 0 {
			continue
		}
		if threads := findThread(memory, [seedSize]byte(thread)); len(threads) > 0 {
			return append(found, threads...), true
		}
	}
	return nil, false
}

// Seed gives each generator a seed from the source. It changes the memory of an instance that did not begin yet.
func (g Generators) Seed(memory []byte, source io.Reader) error {
	for _, at := range g {
		state := memory[at-bufferSize:][:stateSize]
		// A generator that used up the last buffer of its key takes the next key from the buffer's end.
		if _, err := io.ReadFull(source, state[bufferSize-seedSize:bufferSize]); err != nil {
			return err
		}
		binary.LittleEndian.PutUint32(state[positionAt:], words)
		binary.LittleEndian.PutUint32(state[limitAt:], words)
		binary.LittleEndian.PutUint32(state[counterAt:], lastCounter)
	}
	return nil
}

// The state of a generator in memory: a buffer of words, the key that they were made with, how many words are used, how
// many may be, and which block of the key they are.
const (
	words       = 32
	bufferSize  = 8 * words
	seedSize    = 32
	positionAt  = bufferSize + seedSize
	limitAt     = positionAt + 4
	counterAt   = limitAt + 4
	stateSize   = counterAt + 4
	lastCounter = 12                   // counters go by 4; after this one comes another key
	wordsPerKey = 4*words - seedSize/8 // the last ones are the next key
)

// maxBefore bounds the numbers that are looked through, in one key's.
const maxBefore = 32

// maxKeys bounds how many keys a thread may have used up: far more numbers than packages draw when they are initialized.
const maxKeys = 64

// findThread looks for a generator that had this key first.
func findThread(memory []byte, key [seedSize]byte) Generators {
	for range maxKeys {
		if found := states(memory, key); len(found) > 0 {
			return found
		}
		g := rand.NewChaCha8(key)
		for range wordsPerKey + 1 { // the first word of the next key, which is taken then
			g.Uint64()
		}
		key = keyOf(g)
	}
	return nil
}

// states are the places of keys that stand in a generator's state.
func states(memory []byte, key [seedSize]byte) Generators {
	var found Generators
	for from := 0; ; {
		i := bytes.Index(memory[from:], key[:])
		if i < 0 {
			return found
		}
		at := from + i
		if at >= bufferSize && isState(memory[at-bufferSize:], key) {
			found = append(found, at)
		}
		from = at + 1
	}
}

// isState tells whether a generator with this key could have made what is in memory.
func isState(memory []byte, key [seedSize]byte) bool {
	if len(memory) < stateSize {
		return false
	}
	counter := binary.LittleEndian.Uint32(memory[counterAt:])
	limit := binary.LittleEndian.Uint32(memory[limitAt:])
	if counter > lastCounter || limit > words {
		return false
	}
	g := rand.NewChaCha8(key)
	for range counter / 4 * words {
		g.Uint64()
	}
	for i := range limit {
		if binary.LittleEndian.Uint64(memory[8*i:]) != g.Uint64() {
			return false
		}
	}
	return limit > 0
}

// keyOf is the key that a generator uses.
func keyOf(g *rand.ChaCha8) [seedSize]byte {
	state, _ := g.MarshalBinary() // which cannot fail; a name and a number come before the key
	return [seedSize]byte(state[len(state)-seedSize:])
}
