// Command go-prefix-id is a naming convention for client IDs in standard Go: "go-" and 16 random bytes in hex. Hex is
// written out by hand, since encoding/hex brings package fmt with it.
package main

import "unsafe"

//go:wasmimport registrar_v1 random
func random(ptr unsafe.Pointer, size uint32)

//go:wasmimport registrar_v1 set_client_id
func setClientID(id string)

//go:wasmexport add_client_id
func addClientID() int32 {
	const digits = "0123456789abcdef"
	var bytes [16]byte
	random(unsafe.Pointer(&bytes), uint32(len(bytes)))
	id := []byte("go-")
	for _, b := range bytes {
		id = append(id, digits[b>>4], digits[b&15])
	}
	setClientID(string(id))
	return 0
}

func main() {} // a reactor: never called
