package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"registrar/hostfuncs"
)

// A habit is what a toolchain imports from env unless it is told otherwise.
type habit struct {
	names    []string // of functions
	prefixes []string // or what their names begin with
	fix      string   // what to tell it
}

// habits are in the order in which they are looked at.
var habits = []habit{
	{names: []string{"abort"}, fix: "as AssemblyScript does by default: compile with --use abort= so that it " +
		"traps instead, or with --use abort=FILE/FUNCTION to name a function of your own. " +
		"Emscripten: link with -sSTANDALONE_WASM --no-entry"},
	{names: []string{"seed", "trace", "performance.now", "Date.now", "console.log"},
		fix: "as AssemblyScript does for what it has of JavaScript: leave that out, or name a function of your own " +
			"with " +
			"--use NAME=FILE/FUNCTION"},
	{names: []string{"emscripten_notify_memory_growth"}, fix: "as Emscripten does for memories that grow: link with " +
		"-sALLOW_MEMORY_GROWTH=0 and -sINITIAL_MEMORY=BYTES, or with -sPURE_WASI"},
	{prefixes: []string{"__cxa_", "_Unwind_"}, names: []string{"__gxx_personality_v0", "llvm_eh_typeid_for"},
		fix: "as C++ does for exceptions: compile and link with -fno-exceptions (Emscripten: also " +
			"-sDISABLE_EXCEPTION_THROWING)"},
	{prefixes: []string{"invoke_", "__resumeException"},
		names: []string{"setThrew", "getTempRet0", "setTempRet0", "setjmp", "longjmp", "emscripten_longjmp",
			"_emscripten_throw_longjmp", "__wasm_setjmp", "__wasm_longjmp", "saveSetjmp"},
		fix: "as Emscripten does for exceptions and longjmp: compile and link with -fno-exceptions and " +
			"-sSUPPORT_LONGJMP=0"},
	{prefixes: []string{"pthread_", "__pthread_", "_emscripten_thread", "__wasi_thread"},
		fix: "for threads, which this server does not have: compile and link without -pthread"},
	{prefixes: []string{"emscripten_", "_emscripten_", "__emscripten_", "__syscall_", "_embind_", "_emval_",
		"__asyncjs__"},
		names: []string{"__assert_fail", "_abort_js", "_tzset_js", "_localtime_js", "_gmtime_js", "_mktime_js",
			"_mmap_js",
			"_munmap_js", "__main_argc_argv", "segfault", "alignfault", "nullFunc", "abortOnCannotGrowMemory"},
		fix: "as Emscripten does for its JavaScript: link with -sSTANDALONE_WASM --no-entry, " +
			"without the libraries that need JavaScript"},
	{prefixes: []string{"__wbindgen", "__wbg_"},
		fix: "as wasm-bindgen does for JavaScript: leave that crate, and those " +
			"that need it, out"},
	{prefixes: []string{"_Z"}, fix: "which is a C++ name: link what defines it, or declare it extern \"C\""},
}

// ofEmscripten lists the functions with the type of a step that Emscripten exports from every library.
var ofEmscripten = []string{"__errno_location", "stackSave", "emscripten_stack_get_base",
	"emscripten_stack_get_current",
	"emscripten_stack_get_end", "emscripten_stack_get_free"}

// habitOf returns what to tell the toolchain that imports a function from env, "" where that is not known.
func habitOf(name string) string {
	for _, h := range habits {
		if slices.Contains(h.names, name) ||
			slices.ContainsFunc(h.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return h.fix
		}
	}
	return ""
}

// importFromEnv explains what to do about a function of env, where linkers look for all that they do not find.
func importFromEnv(name string) string {
	fix := habitOf(name)
	if fix == "" {
		fix = fmt.Sprintf("where linkers look for what nothing defines: define it or leave out what calls it, and link "+
			"without --allow-undefined and --import-undefined (Emscripten: -sERROR_ON_UNDEFINED_SYMBOLS). "+
			"Functions may come from %s and %s only", hostfuncs.ModuleName, hostfuncs.WASIModuleName)
	}
	return fmt.Sprintf("the module imports env.%s, %s", name, fix)
}

// importOfNoFunction explains what to do about the import of a memory, a table or a global.
func importOfNoFunction(kind, module, name string) string {
	fix := "so define and export it (AssemblyScript: leave out --importMemory and --importTable)"
	switch {
	case module == "GOT.mem", module == "GOT.func",
		slices.Contains([]string{"__memory_base", "__table_base", "__stack_pointer", "__indirect_function_table"},
			name):
		fix = "so link a program instead of a library that is loaded into one: without -shared, -pie and -sSIDE_MODULE"
	case name == "memory":
		fix = "so define and export it (AssemblyScript: leave out --importMemory; wasm-ld: leave out --import-memory; " +
			"Emscripten: link with -sIMPORTED_MEMORY=0)"
	}
	return fmt.Sprintf("the module imports the %s %s.%s: only functions may be imported, %s", kind, module, name, fix)
}
