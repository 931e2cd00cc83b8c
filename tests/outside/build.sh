#!/bin/sh
# What compilers and make say of plug-ins outside of this tree: what is wrong is refused, what has changed is built again.
# Run by tests/run.py, or alone: tests/outside/build.sh
. "$(dirname "$0")/installed"

build_plugins

# Another compiler puts other things into the data section.
if command -v clang++ >/dev/null; then
	(cd "$work/shout" && make -s CC=clang CXX=clang++ BUILD="$work/shout-clang") || fail "shout does not build with clang"
fi

# A handler of another method's type would be called with what it does not expect: an error, not a warning, in each way of
# getting it wrong and whatever CFLAGS says.
cp -r "$here/tally" "$work/wrong"
refused()
{
	for way in "gcc CFLAGS=-O2" "clang CFLAGS=-O2" "gcc CFLAGS=-w" "clang CPPFLAGS=-w"; do
		compiler=${way%% *}
		command -v $compiler >/dev/null || continue
		if (cd "$work/wrong" && make -s CC=$compiler "${way#* }" BUILD="$work/wrong-$compiler" 2>"$work/refusal"); then
			fail "$way builds a plug-in with $1"
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

# A function that nobody has is found when the plug-in is linked, not when it is loaded; one of a library needs the library.
links()
{
	(cd "$work/wrong" && make -s CC="$compiler" BUILD="$work/wrong-$compiler" "$@" >"$work/refusal" 2>&1)
}
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	echo 'int tally_nowhere(void); int tally_asks(void); int tally_asks(void) { return tally_nowhere(); }' >>"$work/wrong/tally.c"
	! links || fail "$compiler links a function that nobody has"
	grep -q "undefined reference to .tally_nowhere" "$work/refusal" || { cat "$work/refusal" >&2; fail "the function that nobody has is not named"; }
	links ALLOW_UNDEFINED=yes || { cat "$work/refusal" >&2; fail "ALLOW_UNDEFINED is not heeded"; }
	rm -rf "$work/wrong-$compiler"
	cp "$here/tally/tally.c" "$work/wrong"
	echo 'double cbrt(double x); double tally_root(double x); double tally_root(double x) { return cbrt(x); }' >>"$work/wrong/tally.c"
	! links || fail "$compiler links a function of a library without it"
	links LDLIBS=-lm || { cat "$work/refusal" >&2; fail "$compiler does not find what a library has"; }
	rm -rf "$work/wrong-$compiler"
	cp "$here/tally/tally.c" "$work/wrong"
done

# Two interfaces whose names end alike are told apart by a prefix.
cp -r "$here/tally" "$work/alike"
sed 's/^interface .*/interface org.example.other.tally/' "$here/tally/tally.varlink" >"$work/alike/other.varlink"
sed -i '1i #include "other.varlink.h"' "$work/alike/tally.c"
! (cd "$work/alike" && make -s >"$work/refusal" 2>&1) || fail "two interfaces of one prefix do not meet"
(cd "$work/alike" && make -s GENFLAGS_other.varlink="--prefix other" clean all >"$work/refusal" 2>&1) ||
	{ cat "$work/refusal" >&2; fail "GENFLAGS_ is not heeded"; }
grep -q other_add "$work/alike/build/gen/other.varlink.h" || fail "GENFLAGS_ chooses no prefix"

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

# A source or an interface that has gone is not in the plug-in any more, nor is what was made of it.
echo 'int tally_extra(void); int tally_extra(void) { return 1; }' >extra.c
sed 's/^interface .*/interface org.example.extra/' tally.varlink >extra.varlink
make -s
make -q build/tally.so || fail "a plug-in with another source is built again"
nm build/tally.so | grep -q tally_extra || fail "another source is not linked"
rm extra.c extra.varlink
make -s
! nm build/tally.so | grep -q tally_extra || fail "a source that has gone is still linked"
[ -z "$(find build -name 'extra*')" ] || fail "what has gone leaves $(find build -name 'extra*')"
make -q build/tally.so || fail "a plug-in with a source less is built again"

# What a Makefile says comes behind the defaults; what its caller says stands in their place.
says()
{
	(cd "$work/flags" && make -s clean && make -n "$@" build/tally.c.o) | grep -- '-c -o build/tally.c.o'
}
mkdir "$work/flags"
cp "$here/tally/"* "$work/flags"
sed -i '1a CFLAGS += -DTALLY=1 -Wno-unused-parameter' "$work/flags/Makefile"
says | grep -q -- '-O2.*-D_FORTIFY_SOURCE=2.*-DTALLY=1 -Wno-unused-parameter' || fail "CFLAGS += is not behind the defaults: $(says)"
! says CFLAGS=-O1 | grep -q -- '-O2' || fail "make CFLAGS= does not replace the defaults"
sed -i '2s/.*/CFLAGS += -O0/' "$work/flags/Makefile"
(cd "$work/flags" && make -s 2>"$work/warnings") && [ ! -s "$work/warnings" ] || { cat "$work/warnings" >&2; fail "CFLAGS += -O0"; }
sed -i '2d' "$work/flags/Makefile"
! says | grep -q -- '-O0' || fail "the defaults do not optimize"
! (cd "$work/flags" && CFLAGS=-O1 make -n build/tally.c.o) | grep -q -- '-O2' || fail "the environment's CFLAGS do not replace the defaults"

# Troupe's own plug-ins are not overwritten, nor removed, by one of their name; elsewhere, it may lie.
sum=$(sha256sum "$(pkg-config --variable=plugindir troupe)/hello.so")
for target in install uninstall; do
	! make -s $target PLUGIN=hello >"$work/refusal" 2>&1 || fail "make $target goes for Troupe's own hello.so"
	grep -q "hello.so is a plug-in of Troupe's own" "$work/refusal" || { cat "$work/refusal" >&2; fail "make $target does not say why not"; }
	[ "$(sha256sum "${sum#*  }")" = "$sum" ] || fail "make $target has changed Troupe's own hello.so"
done
make -s install PLUGIN=hello PLUGINDIR="$work/own"
[ -f "$work/own/hello.so" ] || fail "no hello.so in another directory"
make -s install uninstall
make -s clean
make -s clean PLUGIN=hello
[ ! -e build ] || fail "make clean leaves something: $(find build)"
make -s
