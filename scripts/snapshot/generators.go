package snapshot

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// Generators are the offsets in a memory of random number generators that were seeded during initialization. Each
// instance that begins with a copy of the memory needs other seeds.
type Generators []int

// Find finds the generators in the memory of a guest that was initialized. draws is the random data that the guest drew
// meanwhile, one element for each draw. Find returns false if it cannot account for the draws. Other instances must not
// begin with that memory then, because the random data may have seeded anything.
//
// Find knows guests that drew nothing, and those of standard Go. Go's runtime draws once, a seed for the generators
// from which everything else in the program gets random numbers. They are ChaCha8 (C2SP chacha8rand), as in
// math/rand/v2, so their states can be computed from the seed.
func Find(memory []byte, draws [][]byte) (Generators, bool) {
	switch {
	case len(draws) == 0:
		return nil, true
	case len(draws) > 1 || len(draws[0]) != seedSize:
		return nil, false
	}
	// The runtime draws a few numbers from the global generator, then the seed for the generator of its only thread,
	// then a new seed for the global generator.
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

// Seed gives each generator in the memory a new seed from source. The instance must not have run yet.
func (g Generators) Seed(memory []byte, source io.Reader) error {
	for _, at := range g {
		state := memory[at-bufferSize:][:stateSize]
		// A generator that has used up the last buffer of its key takes its next key from the end of the buffer.
		if _, err := io.ReadFull(source, state[bufferSize-seedSize:bufferSize]); err != nil {
			return err
		}
		binary.LittleEndian.PutUint32(state[positionAt:], words)
		binary.LittleEndian.PutUint32(state[limitAt:], words)
		binary.LittleEndian.PutUint32(state[counterAt:], lastCounter)
	}
	return nil
}

// The layout of a generator's state in memory: a buffer of words, the key that generated them, the number of words
// used, the number that may be used, and the counter of the block.
const (
	words       = 32
	bufferSize  = 8 * words
	seedSize    = 32
	positionAt  = bufferSize + seedSize
	limitAt     = positionAt + 4
	counterAt   = limitAt + 4
	stateSize   = counterAt + 4
	lastCounter = 12                   // counters increase by 4; another key follows this one
	wordsPerKey = 4*words - seedSize/8 // the last words of a key are the next key
)

// maxBefore bounds the numbers that Find tries before the seeds, within those of one key.
const maxBefore = 32

// maxKeys bounds the keys that the thread's generator may have used up. Packages draw far fewer numbers when they are
// initialized.
const maxKeys = 64

// findThread finds a generator that began with the given key.
func findThread(memory []byte, key [seedSize]byte) Generators {
	for range maxKeys {
		if found := states(memory, key); len(found) > 0 {
			return found
		}
		g := rand.NewChaCha8(key)
		for range wordsPerKey + 1 { // one more, so that g takes its next key
			g.Uint64()
		}
		key = keyOf(g)
	}
	return nil
}

// states returns the offsets of the given key where it is part of a generator's state.
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

// isState reports whether memory begins with the state of a generator with the given key.
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

// keyOf returns the current key of a generator.
func keyOf(g *rand.ChaCha8) [seedSize]byte {
	state, _ := g.MarshalBinary() // never fails; the key is at the end
	return [seedSize]byte(state[len(state)-seedSize:])
}
