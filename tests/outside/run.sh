#!/bin/sh
# Plug-ins outside of this tree, in C and in C++ and those of README.md, the tutorial and docs/asyncio.md, built with nothing but what `make install`
# installs and a Makefile of two lines each; then loaded and called. Run by tests/run.py, or alone: tests/outside/run.sh
. "$(dirname "$0")/installed"

build_plugins

# Those of the pages are as they stand there; a file may be in several pieces.
for page in README.md docs/tutorial.md docs/asyncio.md; do
	awk -v out="$work" '
		/^```[a-z]+ file=/ { file = $0; sub(/.*file=/, "", file); folder = file; sub("/[^/]*$", "", folder)
			system("mkdir -p " out "/" folder); printf "" > (out "/" file); next }
		/^```/ { file = ""; next }
		file { print > (out "/" file) }' "$tree/$page"
done
# The README's port may be somebody's here.
sed -i "s|tcp:127.0.0.1:8000|unix:$work/web.socket|" "$work/web/web.c"
for plugin in greeter web hello reminder later polite anyone divider crew waits; do
	(cd "$work/$plugin" && make -s 2>"$work/warnings") || { cat "$work/warnings" >&2; fail "the pages' $plugin does not build"; }
	[ ! -s "$work/warnings" ] || { cat "$work/warnings" >&2; fail "the pages' $plugin builds with warnings"; }
done

TROUPE_BUILD=$build PYTHONPATH=$tree/tests/system PYTHONDONTWRITEBYTECODE=1 python3 "$here/call.py" "$work"
