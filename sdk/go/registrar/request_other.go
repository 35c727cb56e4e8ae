//go:build !wasm

package registrar

func patchRequest(string) int32 { noHost(); return 0 }
