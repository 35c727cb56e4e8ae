#!/bin/sh
# Prints the folder of QuickJS's sources. Unless an earlier call did, it fetches them as Debian's source package by apt,
# into registrar/quickjs/VERSION in the user's cache folder, and verifies them. The sources of apt are this system's own
# with another suite, in a state of their own, so this needs no root and leaves the system's apt as it is.
set -eu
version=2025.04.26
digest=ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe # SHA-256 of quickjs_2025.04.26.orig.tar.xz
suite=trixie
budget=120 # seconds, of each of the two downloads

cache=${XDG_CACHE_HOME:-$HOME/.cache}/registrar/quickjs
if [ -e "$cache/$version/quickjs.c" ]; then
	echo "$cache/$version"
	exit
fi
# shellcheck source=/dev/null
release=$(. /etc/os-release 2>/dev/null && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
	{ echo "QuickJS is fetched on Debian only" >&2; exit 1; }

mkdir -p "$cache"
work=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
apt=$work/apt
mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/archives/partial"
: >"$apt/status"

# The sources of this release in either format, as sources of the other suite's source packages.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -e "$file" ] || awk -v release="$release" -v suite="$suite" '
		$1 == "deb" {
			for (i = 2; i < NF; i++) if ($i == release) { $1 = "deb-src"; $i = suite; print; next }
		}' "$file"
done >"$apt/sources/derived.list"
for file in /etc/apt/sources.list.d/*.sources; do
	[ ! -e "$file" ] || awk -v release="$release" -v suite="$suite" '
		BEGIN { RS = ""; FS = "\n" }
		{
			stanza = ""; ours = 0; enabled = 1
			for (i = 1; i <= NF; i++) {
				line = $i; name = tolower(line); sub(/:.*/, "", name)
				if (line ~ /^#/) continue
				if (name == "enabled" && tolower(line) ~ /no|false/) enabled = 0
				if (name == "types") line = "Types: deb-src"
				if (name == "suites") {
					for (n = split(line, word, /[ \t]+/); n > 1; n--) if (word[n] == release) ours = 1
					line = "Suites: " suite
				}
				stanza = stanza line "\n"
			}
			if (ours && enabled) print stanza
		}' "$file"
done >"$apt/sources/derived.sources"

# ours COMMAND...: apt-get with state and caches of its own.
ours() {
	timeout "$budget" apt-get -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o "Dir::State=$apt" -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status" \
		-o "Dir::Cache=$apt" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 \
		-o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" >>"$apt/log" 2>&1
}
# Only the second command decides: a source that lacks the suite fails the first.
ours update || :
(cd "$work" && ours source --download-only "quickjs=$version-1") ||
	{ tail -20 "$apt/log" >&2; echo "QuickJS $version could not be fetched from the suite $suite" >&2; exit 1; }
echo "$digest  $work/quickjs_$version.orig.tar.xz" | sha256sum --check --quiet >&2
mkdir "$work/sources"
tar -x -C "$work/sources" --strip-components 1 -f "$work/quickjs_$version.orig.tar.xz"
mv -T "$work/sources" "$cache/$version" 2>/dev/null || [ -e "$cache/$version/quickjs.c" ] # another call was first
echo "$cache/$version"
