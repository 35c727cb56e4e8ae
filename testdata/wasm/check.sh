#!/bin/sh
# check.sh TARGET: makes TARGET (modules or modules-wat) in a temporary folder and compares what came out with what is
# committed, byte for byte, where the compilers have the recorded versions. Where one has another, its modules are left
# in the folder, and for TARGET modules the project's Go tests run against them.
set -eu
cd "$(dirname "$0")"
target=$1
out=$(mktemp -d)
installed=$(./toolchains.sh)

${MAKE:-make} -s -B "$target" OUT="$out"

version() { # LIST COMPILER
	echo "$1" | sed -n "s/^$2: //p"
}

# The compilers whose output the module depends on.
compilers() {
	case $1 in
	bad-text) ;;
	bad-truncated) echo wat2wasm ;;
	as-default-abort) echo asc ;;
	*)
		if [ -e "$1.wat" ]; then echo wat2wasm
		elif [ -e "$1.ts" ]; then echo asc
		elif [ -e "$1.c" ]; then echo clang wasm-ld wasm-opt wasi-libc
		elif [ -e "$1.rs" ]; then echo rustc wasm-ld
		elif [ -e "$1/main.go" ]; then echo go
		else echo unknown
		fi ;;
	esac
}

recorded=$(cat TOOLCHAINS)
failed=0 compared=0 others=
for compiler in $(cut -d: -f1 TOOLCHAINS); do
	[ "$target" = modules ] || [ "$compiler" = wat2wasm ] || continue
	was=$(version "$recorded" "$compiler") is=$(version "$installed" "$compiler")
	[ "$was" = "$is" ] && continue
	echo "$compiler: recorded \"$was\", installed \"$is\": its modules are not compared"
	others="$others $compiler"
done

for path in "$out"/*.wasm; do
	module=$(basename "$path")
	for compiler in $(compilers "${module%.wasm}"); do
		case " $others " in *" $compiler "*) continue 2 ;; esac
	done
	compared=$((compared + 1))
	cmp "$path" "$module" || failed=1
done
for module in *.wasm; do
	[ "$target" != modules ] || [ -e "$out/$module" ] && continue
	echo "$module has no source"
	failed=1
done

echo "$compared modules compared"
if [ "$failed" = 1 ]; then
	echo "the rebuilt modules are in $out; make all takes them over" >&2
	exit 1
fi
if [ -z "$others" ]; then
	rm -r "$out"
	exit 0
fi
echo "the rebuilt modules are in $out"
[ "$target" = modules ] || exit 0
cd ../..
REGISTRAR_TEST_WASM=$out exec "${GO:-go}" test ./scripts/... ./server/...
