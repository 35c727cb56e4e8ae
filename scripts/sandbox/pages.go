package sandbox

import "registrar/scripts/wasmbin"

const (
	// PageSize is the size of a page of WebAssembly memory, in bytes. [Config.MemoryPages] counts them.
	PageSize = wasmbin.PageSize
	// MaxMemoryPages is the largest value of [Config.MemoryPages].
	MaxMemoryPages = wasmbin.MaxMemoryPages
)
