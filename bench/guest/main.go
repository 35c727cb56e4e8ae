//go:build wasip1

// Command guest generates client IDs and secrets like the scripts in C and AssemblyScript of testdata/wasm: the ID is
// "go-" and 16 random bytes in hex, the secret 43 characters. bench builds it for WebAssembly.
package main

import "registrar/sdk/go/registrar"

//go:wasmexport add_client_id
func addClientID() int32 {
	registrar.SetClientID("go-" + registrar.RandomHex(16))
	return registrar.Done
}

//go:wasmexport generate_secret
func generateSecret() int32 {
	// 64 letters: six bits choose one without bias.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var secret [43]byte
	registrar.Random(secret[:])
	for i, b := range secret {
		secret[i] = letters[b&63]
	}
	registrar.SetClientSecret(string(secret[:]), registrar.DefaultLifetime)
	return registrar.Done
}

func main() {}
