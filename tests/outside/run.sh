#!/bin/sh
# Plug-ins outside of this tree, one in C and one in C++, built with nothing but what `make install` installs and a
# Makefile of two lines each; then loaded and called. Run by tests/run.py, or alone: tests/outside/run.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=$(cd "$tree" && realpath "${TROUPE_BUILD:-build}")

work=$(mktemp -d "${TMPDIR:-/tmp}/troupe-outside.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "run.sh: $*" >&2
	exit 1
}

# Install as a package would, and let pkg-config find it where it lies.
root=$work/root
make --no-print-directory -s -C "$tree" BUILD="$build" DESTDIR="$root" install >"$work/install.log" 2>&1 ||
	{ cat "$work/install.log" >&2; fail "make install"; }
pc=$(find "$root" -name troupe.pc)
sed -i "s|=/|=$root/|" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

# What the surrounding make was told is not for these: but for the compilers, and sanitizers as a user would pass them.
unset BUILD MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CXXFLAGS LDFLAGS TROUPE_GEN PLUGIN_MK

for plugin in tally shout; do
	[ "$(wc -l <"$here/$plugin/Makefile")" = 2 ] || fail "$plugin/Makefile has not two lines"
	cp -r "$here/$plugin" "$work/$plugin"
	(cd "$work/$plugin" && make -s -j2 2>"$work/warnings") || { cat "$work/warnings" >&2; fail "$plugin does not build"; }
	[ ! -s "$work/warnings" ] || { cat "$work/warnings" >&2; fail "$plugin builds with warnings"; }
	[ -f "$work/$plugin/build/$plugin.so" ] || fail "no $plugin.so"
done

# Another compiler puts other things into the data section.
if command -v clang++ >/dev/null; then
	(cd "$work/shout" && make -s CC=clang CXX=clang++ BUILD="$work/shout-clang") || fail "shout does not build with clang"
fi

# A handler of another method's type would be called with what it does not expect: an error, not a warning, in each way of
# getting it wrong and whatever CFLAGS says.
cp -r "$here/tally" "$work/wrong"
refused()
{
	for compiler in gcc clang; do
		command -v $compiler >/dev/null || continue
		if (cd "$work/wrong" && make -s CC=$compiler CFLAGS=-O2 BUILD="$work/wrong-$compiler" 2>"$work/refusal"); then
			fail "$compiler builds a plug-in with $1"
		fi
		grep -q "tally.c.*error" "$work/refusal" || { cat "$work/refusal" >&2; fail "$compiler refuses $1 for another reason"; }
		rm -rf "$work/wrong-$compiler"
	done
	cp "$here/tally/tally.c" "$work/wrong"
}
sed -i 's/\.add = on_add, \.list = on_list/.add = on_list, .list = on_add/' "$work/wrong/tally.c"
refused "a handler of a wrong type"
echo 'int tally_other(struct troupe_self *self); int tally_other(struct troupe_self *self) { return tally_forgotten(self); }' >>"$work/wrong/tally.c"
refused "a function that nobody declares"
echo 'int *tally_number(int n); int *tally_number(int n) { return n; }' >>"$work/wrong/tally.c"
refused "a number for a pointer"
echo 'int tally_nothing(int n); int tally_nothing(int n) { n++; }' >>"$work/wrong/tally.c"
refused "a function that returns nothing"

# Without pkg-config's path the two lines say what to do.
! (cd "$work/tally" && PKG_CONFIG_PATH= make -n >"$work/refusal" 2>&1) || fail "a plug-in builds without Troupe"
grep -q PKG_CONFIG_PATH "$work/refusal" || { cat "$work/refusal" >&2; fail "make does not say what is missing"; }

# What cannot become a plug-in is said before anything is built.
mkdir "$work/odd"
cp "$here/tally/"* "$work/odd"
said()
{
	expected=$1
	shift
	! (cd "$work/odd" && make "$@" >"$work/refusal" 2>&1) || fail "a plug-in builds with $*"
	grep -q "$expected" "$work/refusal" || { cat "$work/refusal" >&2; fail "make does not say what is wrong with $*"; }
	[ ! -e "$work/odd/build" ] || fail "something was built with $*"
}
said "a plug-in's name is one word" PLUGIN="my tally"
said "a plug-in's name is one word" PLUGIN=my/tally
said "two of them have one name" INTERFACES="tally.varlink other/tally.varlink"
said "tall.varlink" INTERFACES=tall.varlink
rm "$work/odd/"*.c
said "no \*.c, \*.cc or \*.cpp file" all

# The tutorial's plug-ins are as they stand there.
awk -v out="$work" '
	/^```[a-z]+ file=/ { file = $0; sub(/.*file=/, "", file); folder = file; sub("/[^/]*$", "", folder)
		system("mkdir -p " out "/" folder); printf "" > (out "/" file); next }
	/^```/ { file = ""; next }
	file { print > (out "/" file) }' "$tree/docs/tutorial.md"
for plugin in hello reminder polite crew; do
	(cd "$work/$plugin" && make -s 2>"$work/warnings") || { cat "$work/warnings" >&2; fail "the tutorial's $plugin does not build"; }
	[ ! -s "$work/warnings" ] || { cat "$work/warnings" >&2; fail "the tutorial's $plugin builds with warnings"; }
done

# A second make has nothing to do; one after a change does what the change needs.
cd "$work/tally"
make -q build/tally.so || fail "an unchanged plug-in is built again"
sleep 0.01
touch names.h
! make -q build/tally.so || fail "a changed header is not seen"
make -s
make -q build/tally.so || fail "a plug-in built again is not whole"

# A new method in the interface reaches every file; a static variable is named and refused.
cp tally.varlink saved
echo 'method Forget() -> ()' >>tally.varlink
make -s 2>"$work/warnings" || fail "a method without a handler does not build"
grep -q tally_forget build/gen/tally.varlink.h || fail "a changed interface is not seen"
cp saved tally.varlink
echo 'int64_t tally_of_all; int64_t *tally_place(void); int64_t *tally_place(void) { return &tally_of_all; }' >>tally.c
! make -s 2>"$work/refusal" || fail "a global variable is not refused"
grep -q "tally_of_all" "$work/refusal" || { cat "$work/refusal" >&2; fail "the global variable is not named"; }
cp "$here/tally/tally.c" .
make -s
make -s install DESTDIR="$work/stage"
[ -n "$(find "$work/stage" -name tally.so)" ] || fail "make install installs nothing"
make -s install DESTDIR="$work/stage" PLUGINDIR=/opt/plugins
[ -f "$work/stage/opt/plugins/tally.so" ] || fail "PLUGINDIR is not heeded"
make -s BUILD="$work/elsewhere"
[ -f "$work/elsewhere/tally.so" ] || fail "BUILD is not heeded"
make -s clean
[ ! -e build ] || fail "make clean leaves something: $(find build)"
make -s

# Another prefix holds everything, runs from there with what is configured there, and goes whole.
prefix=$work/prefix
(
	cd "$tree"
	make -s -j2 BUILD="$work/prefix-build" PREFIX="$prefix" install >"$work/install.log" 2>&1
) || { cat "$work/install.log" >&2; fail "make install PREFIX="; }
for file in bin/trouped lib/systemd/system/trouped.service share/pkgconfig/troupe.pc; do
	[ -f "$prefix/$file" ] || fail "PREFIX has no $file: $(find "$prefix")"
done
[ -d "$prefix/etc/troupe" ] || fail "PREFIX has no etc/troupe"
grep -q "ExecStart=$prefix/bin/trouped" "$prefix/lib/systemd/system/trouped.service" || fail "the unit runs another daemon"
mkdir "$work/small"
cp "$here/tally/"* "$work/small"
(cd "$work/small" && PKG_CONFIG_PATH="$prefix/share/pkgconfig" make -s install) || fail "no plug-in with a prefix"
printf '[Actor]\nPlugin=tally\n' >"$prefix/etc/troupe/tally.actor"
TROUPE_BUILD=$build PYTHONPATH=$tree/tests/system PYTHONDONTWRITEBYTECODE=1 python3 "$here/prefix.py" "$prefix" ||
	fail "what lies below a prefix does not run"
touch "$prefix/include/troupe/of_somebody_else.h"
make -s -C "$tree" BUILD="$work/prefix-build" PREFIX="$prefix" uninstall >"$work/install.log" 2>&1 || fail "make uninstall"
grep -q include/troupe "$work/install.log" || fail "uninstall does not say what it left"
left=$(cd "$prefix" && find . -type f | sort | tr '\n' ' ')
[ "$left" = "./etc/troupe/tally.actor ./include/troupe/of_somebody_else.h ./lib/troupe/plugins/tally.so " ] ||
	fail "make uninstall leaves $left"

TROUPE_BUILD=$build PYTHONPATH=$tree/tests/system PYTHONDONTWRITEBYTECODE=1 python3 "$here/call.py" "$work"
