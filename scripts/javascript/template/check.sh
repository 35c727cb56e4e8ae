#!/bin/sh
# Rebuilds the template in a temporary folder and compares it with what is committed, byte for byte. Where a compiler
# has another version than the recorded one, the bytes differ and are not compared.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"${MAKE:-make}" -s -j2 "$out/template.wasm" OUT="$out"
if ./toolchain.sh | diff TOOLCHAIN - >&2; then
	cmp "$out/template.wasm" ../template.wasm
	echo "the template is what its sources give"
else
	echo "the template is built, and not compared: these compilers are not those of TOOLCHAIN" >&2
fi
