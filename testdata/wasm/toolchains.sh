#!/bin/sh
# Prints each compiler with its version as it prints it, one a line; "missing" where it is not installed.
say() {
	name=$1
	shift
	version=$("$@" 2>/dev/null | head -n 1)
	echo "$name: ${version:-missing}"
}
cd "$(dirname "$0")" || exit 1
say wat2wasm "${WAT2WASM:-wat2wasm}" --version
say asc "${ASC:-node_modules/.bin/asc}" --version
say go "${GO:-go}" env GOVERSION
say clang "${CLANG:-clang}" --version
say wasm-ld wasm-ld --version
say wasm-opt wasm-opt --version # clang runs it where it finds it
say wasi-libc dpkg-query -W -f '${Version}' wasi-libc
say rustc "${RUSTC:-/usr/bin/rustc}" --version
