package registrar

import "unsafe"

//go:wasmimport registrar_v1 read_context
func readContext(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_request
func readRequest(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_client
func readClient(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_statement
func readStatement(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_caller
func readCaller(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_config
func readConfig(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 client_exists
func clientExists(id string) int32

//go:wasmimport registrar_v1 patch_client
func patchClient(patch string) int32

//go:wasmimport registrar_v1 set_client_id
func setClientID(id string)

//go:wasmimport registrar_v1 set_client_secret
func setClientSecret(secret string, expiresIn int64)

//go:wasmimport registrar_v1 get_item
func getItem(key string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 set_item
func setItem(key, value string)

//go:wasmimport registrar_v1 call_base
func callBase() int32

//go:wasmimport registrar_v1 refuse
func refuse(code, description string)

//go:wasmimport registrar_v1 fail
func fail(reason string)

//go:wasmimport registrar_v1 log
func logLine(level int32, line string)

//go:wasmimport registrar_v1 random
func random(buf unsafe.Pointer, size uint32)

//go:wasmimport registrar_v1 now
func now() int64

func randomBytes(b []byte) { random(start(b), size(b)) }

// The sources are closures, since TinyGo does not allow imported functions as values.

func contextSource() source {
	return func(buf []byte) int32 { return readContext(start(buf), size(buf)) }
}

func requestSource() source {
	return func(buf []byte) int32 { return readRequest(start(buf), size(buf)) }
}

func clientSource() source {
	return func(buf []byte) int32 { return readClient(start(buf), size(buf)) }
}

func statementSource() source {
	return func(buf []byte) int32 { return readStatement(start(buf), size(buf)) }
}

func callerSource() source {
	return func(buf []byte) int32 { return readCaller(start(buf), size(buf)) }
}

func configSource() source {
	return func(buf []byte) int32 { return readConfig(start(buf), size(buf)) }
}

func itemSource(key string) source {
	return func(buf []byte) int32 { return getItem(key, start(buf), size(buf)) }
}

func start(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func size(b []byte) uint32 { return uint32(len(b)) }
