package registrar

//go:wasmimport registrar_v1 patch_request
func patchRequest(patch string) int32
