// Command go-random makes client IDs of the random numbers that standard Go has without asking the host: "go-", 16 hex
// digits of math/rand/v2, 16 of math/rand, and 16 of a map's hash seed.
package main

import (
	"hash/maphash"
	"math/rand"
	randv2 "math/rand/v2"
)

//go:wasmimport registrar_v1 set_client_id
func setClientID(id string)

//go:wasmexport add_client_id
func addClientID() int32 {
	var h maphash.Hash
	id := []byte("go")
	for _, n := range [...]uint64{randv2.Uint64(), rand.Uint64(), h.Sum64()} {
		id = append(id, '-')
		for shift := 60; shift >= 0; shift -= 4 {
			id = append(id, "0123456789abcdef"[n>>shift&15])
		}
	}
	setClientID(string(id))
	return 0
}

func main() {} // a reactor: never called
