package wasmbin

// Limits of a module. Engines allow about ten times as much, for whole applications (WebAssembly JavaScript Interface,
// "Implementation-defined Limits"). A 3 MB module of standard Go has 2,000 functions, 37,000 data segments, 16 imports,
// 13 types and 8 globals. The caller bounds the size of the module.
const (
	// MaxTypes bounds the type section. Toolchains write each signature once.
	MaxTypes = 10_000

	// MaxParams bounds the parameters of one function type, as in all engines.
	MaxParams = 1_000

	// MaxResults bounds the results of one function type, as in all engines.
	MaxResults = 1_000

	// MaxImports bounds the imports of all kinds.
	MaxImports = 10_000

	// MaxFunctions bounds the imported and defined functions.
	MaxFunctions = 100_000

	// MaxTables bounds the imported and defined tables. Compilers need one or two.
	MaxTables = 100

	// MaxTableElements bounds the sum of the initial sizes of the defined tables. Their maximum sizes do not matter,
	// because tables never grow.
	MaxTableElements = 65_536

	// MaxMemories bounds the imported and defined memories: WebAssembly 2.0 allows one.
	MaxMemories = 1

	// MaxMemoryPages bounds the size of a memory, in pages of [PageSize]: 4 GiB, for 32-bit addresses.
	MaxMemoryPages = 65_536

	// MaxGlobals bounds the imported and defined globals.
	MaxGlobals = 10_000

	// MaxExports bounds the exports of all kinds.
	MaxExports = 10_000

	// MaxElementSegments bounds the element segments. Compilers write one for each table.
	MaxElementSegments = 10_000

	// MaxDataSegments bounds the data segments. The linker of standard Go writes at most as many, one for each range
	// between zeros.
	MaxDataSegments = 100_000

	// MaxBodySize bounds one function's body, in bytes. The largest in a 3 MB module of standard Go has 29,000.
	MaxBodySize = 1 << 20

	// MaxLocals bounds the locals of one function without its parameters, as in all engines. Five bytes can declare any
	// number of them.
	MaxLocals = 50_000

	// MaxModuleLocals bounds the locals of all functions together. Compilers write at least a byte for each local.
	MaxModuleLocals = 2_000_000

	// MaxNesting bounds the depth of nested blocks, including the body. Compilers nest one block for each case of a
	// switch, and standard Go one for each call of a function.
	MaxNesting = 10_000

	// MaxBranchTargets bounds the labels of one br_table without the default, as in all engines.
	MaxBranchTargets = 65_520

	// MaxCustomSections bounds the custom sections. Debug information takes about ten.
	MaxCustomSections = 100

	// MaxNameLength bounds the name of an import, an export or a custom section, in bytes of UTF-8. Mangled C++ and
	// Rust names have some hundreds.
	MaxNameLength = 4_096
)
