package wasmbin

// What a module may hold at most. The engines' common limits (WebAssembly JavaScript Interface, "Implementation-defined
// Limits") are about ten times as wide, being made for whole applications; a 3 MB module of standard Go has 2,000
// functions, 37,000 data segments, 16 imports, 13 types and 8 globals. The size of the module is for the caller to bound.
const (
	// MaxTypes bounds the type section. Toolchains write each signature once.
	MaxTypes = 10_000

	// MaxParams bounds the parameters of one function type, as all engines do.
	MaxParams = 1_000

	// MaxResults bounds the results of one function type, as all engines do.
	MaxResults = 1_000

	// MaxImports bounds the import section, over all kinds.
	MaxImports = 10_000

	// MaxFunctions bounds the functions, imported and defined together.
	MaxFunctions = 100_000

	// MaxTables bounds the tables, imported and defined together. Compilers need one or two.
	MaxTables = 100

	// MaxTableElements bounds the elements that the module's own tables begin with, all together. A table never grows, so
	// its maximum may be anything.
	MaxTableElements = 65_536

	// MaxMemories bounds the memories, imported and defined together: WebAssembly 2.0 has no second one.
	MaxMemories = 1

	// MaxMemoryPages bounds what a memory may declare, in pages of [PageSize]: the 4 GiB of a 32-bit address.
	MaxMemoryPages = 65_536

	// MaxGlobals bounds the globals, imported and defined together.
	MaxGlobals = 10_000

	// MaxExports bounds the export section, over all kinds.
	MaxExports = 10_000

	// MaxElementSegments bounds the element section. Compilers write one for each table.
	MaxElementSegments = 10_000

	// MaxDataSegments bounds the data section. The linker of standard Go makes one of each stretch between zeros, and at
	// most as many as this.
	MaxDataSegments = 100_000

	// MaxBodySize bounds one function's body, in bytes. The largest in a 3 MB module of standard Go has 29,000.
	MaxBodySize = 1 << 20

	// MaxLocals bounds the locals of one function, its parameters apart, as all engines do. The binary declares them in
	// runs: five bytes for any number.
	MaxLocals = 50_000

	// MaxModuleLocals bounds the locals of all functions together. Compilers write at least a byte for each of them.
	MaxModuleLocals = 2_000_000

	// MaxNesting bounds how deep blocks stand in each other, the body itself included. Compilers nest one block for each
	// case of a switch, and standard Go one for each call of a function.
	MaxNesting = 10_000

	// MaxBranchTargets bounds the labels of one br_table, the default apart, as all engines do.
	MaxBranchTargets = 65_520

	// MaxCustomSections bounds the custom sections. Debug information takes about ten.
	MaxCustomSections = 100

	// MaxNameLength bounds an import's, an export's or a custom section's name, in bytes of UTF-8. Mangled C++ and Rust
	// names come to some hundreds.
	MaxNameLength = 4_096
)
