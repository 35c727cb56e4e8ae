#!/bin/sh
# Prints each compiler of the recipe with its version, one a line; "missing" where it is not installed.
say() {
	name=$1
	shift
	version=$("$@" 2>/dev/null | head -n 1)
	echo "$name: ${version:-missing}"
}
say clang "${CLANG:-clang}" --version
say wasm-ld wasm-ld --version
say wasm-opt "${WASM_OPT:-wasm-opt}" --version
say wasi-libc dpkg-query -W -f '${Version}' wasi-libc
say compiler-rt dpkg-query -W -f '${Version}' libclang-rt-14-dev-wasm32
