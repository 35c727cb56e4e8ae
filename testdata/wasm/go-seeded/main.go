// Command go-seeded makes client IDs with a generator that it seeds when it is initialized: "go-" and 16 hex digits.
package main

import (
	"math/rand/v2"
	"unsafe"
)

//go:wasmimport registrar_v1 random
func random(ptr unsafe.Pointer, size uint32)

//go:wasmimport registrar_v1 set_client_id
func setClientID(id string)

var generator = func() *rand.ChaCha8 {
	var seed [32]byte
	random(unsafe.Pointer(&seed), uint32(len(seed)))
	return rand.NewChaCha8(seed)
}()

//go:wasmexport add_client_id
func addClientID() int32 {
	n := generator.Uint64()
	id := []byte("go-")
	for shift := 60; shift >= 0; shift -= 4 {
		id = append(id, "0123456789abcdef"[n>>shift&15])
	}
	setClientID(string(id))
	return 0
}

func main() {} // a reactor: never called
