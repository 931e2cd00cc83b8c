#!/usr/bin/env python3
"""Break the code on purpose, and demand that the tests find each break.

    mutants.py --build DIR [--only NAME]... [--changed BASE] [--brief] [--list] [--jobs N]

Each file tests/mutants/NAME.mutant is one break:

    breaks: the promise that does not hold any more, in one sentence
    tests: core/test_sim_room test_links.Links.test_x (those that are to find it, any one of
      them)
    @@ daemon/core/peer.c
    the text to replace, which must be there once; white space does not count
    @@ becomes
    the text that replaces it

and may have several such pairs. It is applied to a copy of the tree with its build, the tests
are built and run, and one of them must fail there that passes here. A mutant that no test finds
fails, one that does not apply, or does not compile, too.

--changed BASE: only those whose file, tests or own text differ from the commit BASE. --brief,
for each change: those that differ from the commit before, then others, different ones for each
commit, as many as are begun within BRIEF_SECONDS. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import glob
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import run

TREE = os.path.dirname(run.HERE)
PRODUCT = ("daemon", "proto", "ctl", "include", "actors")
# a mutant may run for ever: so many times as long as without it, and so many seconds
TIMES, SECONDS = 5, 10
BRIEF_SECONDS = 60
# Unit tests that start the host's processes: by folder, or alone.
STARTERS = ("worker", "ctl", "symbolize", "trouped/test_program")
BINARIES = ("trouped", "troupe-worker", "troupe-symbolize", "troupectl")


class Unfit(Exception):
    """The mutant is at fault, not the tests."""


def squeeze(text):
    """The text without white space, and where each character of it was."""
    places = [at for at, letter in enumerate(text) if not letter.isspace()]
    return "".join(text[at] for at in places), places


def find(text, old):
    """Where `old` begins and ends in the text, each time, as whole words."""
    (squeezed, places), wanted = squeeze(text), squeeze(old)[0]
    if not wanted:
        raise Unfit("has an empty text to replace")
    spans = ((places[match.start()], places[match.start() + len(wanted) - 1] + 1)
             for match in re.finditer(re.escape(wanted), squeezed))
    return [(begin, end) for begin, end in spans
            if not (is_within_word(text, begin) or is_within_word(text, end))]


def is_within_word(text, at):
    return re.fullmatch(r"\w\w", text[at - 1:at + 1] if at else "") is not None


def read(path):
    with open(path) as file:
        return file.read()


class Mutant:
    def __init__(self, path):
        self.path = os.path.relpath(path, TREE)
        self.name = os.path.basename(path).removesuffix(".mutant")
        head, *rest = re.split(r"^@@ (.*)\n", read(path), flags=re.M)
        fields = dict(re.findall(r"^(\w+): (.*)$", head, re.M))
        if set(fields) != {"breaks", "tests"} or not rest or len(rest) % 4 or any(word != "becomes" for word in rest[2::4]):
            raise Unfit(f"{self.path}: is not of the form that `{os.path.basename(__file__)} --help` shows")
        self.breaks, self.tests = fields["breaks"], fields["tests"].split()
        self.edits = [(rest[at], rest[at + 1], rest[at + 3]) for at in range(0, len(rest), 4)]

    def changed(self, tree=TREE):
        """{path: text} of the files of a tree that it changes."""
        files = {}
        for path, old, new in self.edits:
            at = os.path.join(tree, path)
            text = files.get(path) or (read(at) if os.path.exists(at) else "")
            hits = find(text, old)
            if len(hits) != 1:
                raise Unfit(f"does not apply any more: {path} has the text {len(hits)} times{self.elsewhere(old, path)}")
            begin, end = hits[0]
            files[path] = text[:begin] + new.strip() + text[end:]
        return files

    @staticmethod
    def elsewhere(old, but):
        for folder in PRODUCT:
            for path in glob.glob(os.path.join(TREE, folder, "**", "*.[ch]"), recursive=True):
                path = os.path.relpath(path, TREE)
                if path != but and find(read(os.path.join(TREE, path)), old):
                    return f" (it is in {path})"
        return ""

    def sources(self):
        """The files that it depends on."""
        return {self.path, *(path for path, _, _ in self.edits),
                *(f"tests/unit/{test}.c" if "/" in test else f"tests/system/{test.partition('.')[0]}.py" for test in self.tests)}

    def check(self):
        self.changed()
        for path in self.sources():
            if not os.path.exists(os.path.join(TREE, path)):
                raise Unfit(f"names {path}, which is not there")


def offer_to_kill():
    """A mutant may take all memory: then it is the one to go."""
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def run_test(tree, build, test, seconds):
    """Return what failed of a test, None if nothing did."""
    path, words = os.path.join(tree, build, "tests", "unit", test), []
    if "/" not in test:
        path, words = os.path.join(tree, "tests", "run.py"), ["--build", build, "--only", test]
    # A sample of a sweep has as many as there was time for; all of the world's take minutes.
    sweep = "full" if test.endswith("_failpoints") and not test.startswith("world/") else ""
    _, status, output, _ = run.run_program(path, [], words, seconds=seconds, cwd=tree, start_new_session=True,
                                           preexec_fn=offer_to_kill,
                                           env={"TROUPE_BUILD": os.path.join(tree, build), "TROUPE_SWEEP": sweep})
    if status == 0:
        return None
    failed = re.findall(r"^not ok \d+ - (\S+)|^FAIL (\S+)", output, re.M)
    return f"{test}: {''.join(failed[0])}" if failed else f"{test}, which ended with status {status}"


class Reference:
    """The tests without a mutant: each is run once, and once more when it fails."""

    def __init__(self, build):
        self.build, self.lock, self.limits = build, threading.Lock(), {}

    def limit(self, test):
        """How many seconds a test may take."""
        with self.lock:
            if test not in self.limits:
                # One that failed may be unsteady: then it can tell something all the same.
                for _ in range(2):
                    began = time.monotonic()
                    failed = run_test(TREE, self.build, test, run.LIMIT_SECONDS)
                    if not failed:
                        break
                self.limits[test] = None if failed else TIMES * (time.monotonic() - began) + SECONDS
        if self.limits[test] is None:
            raise Unfit(f"tells nothing: {test} fails without it")
        return self.limits[test]


class Copy:
    """The tree and its build once more, for one mutant after the other."""

    def __init__(self, parent, build, number):
        self.tree, self.build = os.path.join(parent, str(number)), build
        os.mkdir(self.tree)
        wanted = [entry for entry in os.listdir(TREE) if not entry.startswith((".", "build"))]
        subprocess.run(["cp", "-a", "--reflink=auto", *wanted, build, self.tree], cwd=TREE, check=True)

    def make(self, tests, paths):
        targets = [f"{self.build}/tests/unit/{test}" for test in tests if "/" in test]
        if any("/" not in test or test.startswith(STARTERS) for test in tests):
            targets += [f"{self.build}/{name}" for name in BINARIES]
        if any(path.startswith("actors/") for path in paths):
            targets += ["plugins"]
        # The generator stays as it is: what it makes is no mutant.
        return subprocess.run(["make", "--no-print-directory", "-o", f"{self.build}/troupe-gen", f"BUILD={self.build}", "WERROR=",
                               *targets], cwd=self.tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def try_out(self, mutant, reference):
        """Return what found the mutant, None if nothing did."""
        files = mutant.changed(self.tree)
        before = {path: read(os.path.join(self.tree, path)) for path in files}
        try:
            self.write(files)
            made = self.make(mutant.tests, files)
            if made.returncode:
                raise Unfit(f"does not build:\n{made.stdout}")
            for test in mutant.tests:
                failed = run_test(self.tree, self.build, test, reference.limit(test))
                if failed:
                    return failed
            return None
        finally:
            self.write(before)

    def write(self, files):
        for path, text in files.items():
            with open(os.path.join(self.tree, path), "w") as file:
                file.write(text)


def git(*words):
    return subprocess.run(["git", "-C", TREE, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def choose(mutants, options):
    """The mutants that are to be tried, in their order."""
    if options.only:
        mutants = [mutant for mutant in mutants if any(word in mutant.name for word in options.only)]
    if options.changed or options.brief:
        changed = set(git("diff", "--name-only", options.changed or "HEAD~1").split())
        differ = [mutant for mutant in mutants if mutant.sources() & changed]
        if options.changed:
            return differ
        others = [mutant for mutant in mutants if mutant not in differ]
        random.Random(git("rev-parse", "HEAD")).shuffle(others)
        return differ + others
    return mutants


def try_all(mutants, options, tally):
    work = tempfile.mkdtemp(prefix="mutants.")
    copies = queue.Queue()
    reference = Reference(options.build)
    began = time.monotonic()

    def try_one(mutant):
        if options.brief and time.monotonic() - began > BRIEF_SECONDS:
            return None
        copy = copies.get()
        since = time.monotonic()
        try:
            found = copy.try_out(mutant, reference)
            word, text = ("ok", f"found by {found}") if found else ("FAIL", f"no test finds it, though it breaks: {mutant.breaks}")
        except Unfit as problem:
            word, text = "FAIL", str(problem)
        finally:
            copies.put(copy)
        return word, text, time.monotonic() - since

    try:
        for number in range(min(options.jobs, len(mutants))):
            copies.put(Copy(work, options.build, number))
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for mutant, done in zip(mutants, pool.map(try_one, mutants)):
                if done is None:
                    continue
                word, text, seconds = done
                if word == "ok":
                    tally.passed += 1
                else:
                    tally.failed.append(mutant.name)
                print(f"{word:4} {mutant.name}: {text} ({seconds:.1f} s)", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build directory, in the tree (build)")
    parser.add_argument("--only", action="append", help="only mutants whose name holds this word")
    parser.add_argument("--changed", metavar="BASE", help="only mutants whose file, tests or text differ from this commit")
    parser.add_argument("--brief", action="store_true", help="those that differ from the commit before, and some others")
    parser.add_argument("--list", action="store_true", help="print which there are, and what they break")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="mutants at a time, each in a copy of its own")
    options = parser.parse_args()
    tally = run.Tally()

    mutants = []
    for path in sorted(glob.glob(os.path.join(run.HERE, "mutants", "*.mutant"))):
        # Each must apply, also those that are not tried.
        try:
            mutant = Mutant(path)
            mutants.append(mutant)
            mutant.check()
        except Unfit as problem:
            print(f"FAIL {os.path.basename(path)}: {problem}")
            tally.failed.append(os.path.basename(path))
    mutants = choose(mutants, options)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name}: {mutant.breaks}\n\t{', '.join(path for path, _, _ in mutant.edits)}; {', '.join(mutant.tests)}")
    elif not tally.failed:
        try_all(mutants, options, tally)
    if tally.failed:
        print("failed:", *tally.failed, sep="\n  ")
    print(tally.line(), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
