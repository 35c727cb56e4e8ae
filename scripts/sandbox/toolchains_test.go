package sandbox

import (
	"strings"
	"testing"

	"registrar/scripts/wasmbin"
)

// Functions that Emscripten always exports are no misspelt steps.
func TestExportsOfEmscripten(t *testing.T) {
	step := wasmbin.FuncType{Results: []wasmbin.ValueType{wasmbin.I32}}
	for name, want := range map[string]int{"stackSave": 0, "emscripten_stack_get_free": 0, "stack_save": 1} {
		var i inspection
		i.exportedFunction(name, step)
		if got := len(i.verdict.Warnings); got != want {
			t.Errorf("%s: %d warnings, want %d: %v", name, got, want, i.verdict.Warnings)
		}
	}
}

// A module that imports from env is told which flag keeps its toolchain from that.
func TestImportsOfToolchains(t *testing.T) {
	for name, want := range map[string]string{
		"abort":                           "--use abort=",
		"seed":                            "--use NAME=FILE/FUNCTION",
		"emscripten_notify_memory_growth": "-sALLOW_MEMORY_GROWTH=0",
		"emscripten_memcpy_big":           "-sSTANDALONE_WASM",
		"_emscripten_memcpy_js":           "-sSTANDALONE_WASM",
		"emscripten_resize_heap":          "-sSTANDALONE_WASM",
		"__syscall_openat":                "-sSTANDALONE_WASM",
		"_embind_register_void":           "-sSTANDALONE_WASM",
		"__assert_fail":                   "-sSTANDALONE_WASM",
		"__cxa_throw":                     "-fno-exceptions",
		"__cxa_allocate_exception":        "-fno-exceptions",
		"invoke_vii":                      "-sSUPPORT_LONGJMP=0",
		"_emscripten_throw_longjmp":       "-sSUPPORT_LONGJMP=0",
		"pthread_create":                  "without -pthread",
		"__wbindgen_throw":                "wasm-bindgen",
		"_ZN4core9panicking":              `extern "C"`,
		"my_own_function":                 "without --allow-undefined",
		"call_base":                       "import it from registrar_v1 instead",
	} {
		i := inspection{functions: hostFunctions()}
		got := i.unknownImport(wasmbin.Import{Module: "env", Name: name})
		if !strings.HasPrefix(got, "the module imports env."+name) || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"memory": "-sIMPORTED_MEMORY=0", "__memory_base": "-sSIDE_MODULE", "counter": "--importTable",
	} {
		if got := importOfNoFunction("global", "env", name); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
}
