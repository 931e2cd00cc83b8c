#!/bin/sh
# Another prefix holds everything, runs from there with what is configured there, and goes whole.
# Run by tests/run.py, or alone: tests/outside/install.sh
. "$(dirname "$0")/installed"

prefix=$work/prefix
# In a copy with all that has been built but for the tests: only what knows the prefix is made again.
mkdir "$work/tree"
find "$tree" -mindepth 1 -maxdepth 1 ! -name .git ! -name 'build*' -exec cp -a {} "$work/tree" \;
# What others make beside us in the build may go while it is copied.
copied=
for try in 1 2 3 4 5; do
	rm -rf "$work/tree/build"
	mkdir "$work/tree/build"
	if find "$build" -mindepth 1 -maxdepth 1 ! -name tests ! -name failpoints ! -name abi ! -name test-plugins \
		-exec cp -a -t "$work/tree/build" {} +; then copied=yes; break; fi
done
[ "$copied" ] || fail "the build cannot be copied"
make -j2 -C "$work/tree" PREFIX="$prefix" install >"$work/install.log" 2>&1 ||
	{ cat "$work/install.log" >&2; fail "make install PREFIX="; }
# What speaks in an interface's name does not know it.
! grep 'CC .*daemon/core/\|GEN ' "$work/install.log" >&2 || fail "another prefix makes everything again"
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
make -s -C "$work/tree" PREFIX="$prefix" uninstall >"$work/install.log" 2>&1 || fail "make uninstall"
grep -q include/troupe "$work/install.log" || fail "uninstall does not say what it left"
left=$(cd "$prefix" && find . -type f | sort | tr '\n' ' ')
[ "$left" = "./etc/troupe/tally.actor ./include/troupe/of_somebody_else.h ./lib/troupe/plugins/tally.so " ] ||
	fail "make uninstall leaves $left"
