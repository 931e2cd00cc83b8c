#!/usr/bin/env python3
"""Run Troupe's tests and count them.

    run.py --build DIR [--only WORD]... [--skip-system] PROGRAM...

PROGRAM...: cmocka programs (they speak TAP) and shell tests (*.sh: exit status 0 is a pass, 77 a skip).
The system tests, tests/system/test_*.py, follow: real processes, real sockets, and as root a real systemd.
The last line is "N passed, N failed", with ", N skipped" behind it when there were any. Run as root,
a skipped test is a failure: everything a test may need is there then.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM_SECONDS = 600


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def line(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {len(self.skipped)} skipped" if self.skipped else "")


def run_program(path, wrap, options=(), seconds=PROGRAM_SECONDS, env=None, **rest):
    """Return (path, exit status, output, seconds). Of a session of its own all ends that is late."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **(env or {}))
    began = time.monotonic()
    with subprocess.Popen([*wrap, path, *options], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **rest) as child:
        try:
            output = child.communicate(timeout=seconds)[0]
            status, end = child.returncode, ""
        except subprocess.TimeoutExpired as late:
            if rest.get("start_new_session"):
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
            output, status, end = late.stdout or b"", -1, f"\nnot done after {seconds} s\n"
    return path, status, output.decode(errors="replace") + end, time.monotonic() - began


def count_program(tally, path, status, output, seconds, verdict):
    name = os.path.relpath(path)
    passed = failed = 0
    if verdict is not None:
        passed, failed = (0, 1) if status == verdict else (1, 0)
        if failed:
            tally.failed.append(name)
    elif path.endswith(".sh"):
        if status == 77:
            tally.skipped.append(name)
        elif status == 0:
            passed = 1
        else:
            failed = 1
            tally.failed.append(name)
    else:
        for line in output.splitlines():
            match = re.match(r"(not )?ok \d+ - (.*?)(\s*# SKIP.*)?$", line)
            if not match:
                continue
            if match[3]:
                tally.skipped.append(f"{name}: {match[2]}")
            elif match[1]:
                failed += 1
                tally.failed.append(f"{name}: {match[2]}")
            else:
                passed += 1
        plan = re.search(r"^1\.\.(\d+)", output, re.M)
        told = passed + failed
        if not failed and (status != 0 or not plan or told == 0):
            failed += 1
            tally.failed.append(f"{name}: ended with status {status} after {told} tests")
    tally.passed += passed
    print(f"{'FAIL' if failed else 'ok':4} {name}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)
    if failed:
        print(output, flush=True)


class Result(unittest.TestResult):
    """One line a system test, as it ends. One thread."""

    def __init__(self, tally):
        super().__init__()
        self.tally = tally

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def tell(self, word, test):
        print(f"{word:4} {test.id()} ({time.monotonic() - self.began:.1f} s)", flush=True)

    def addSuccess(self, test):
        self.tally.passed += 1
        self.tell("ok", test)

    def bad(self, test, err):
        # Errors in setUpClass come without a startTest.
        self.began = getattr(self, "began", time.monotonic())
        self.tally.failed.append(test.id())
        self.tell("FAIL", test)
        print(self._exc_info_to_string(err, test), flush=True)

    def addError(self, test, err):
        self.bad(test, err)

    def addFailure(self, test, err):
        self.bad(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad(subtest, err)

    def addSkip(self, test, reason):
        self.began = getattr(self, "began", time.monotonic())
        self.tally.skipped.append(f"{test.id()}: {reason}")
        self.tell("skip", test)


def system_tests(only):
    sys.path.insert(0, os.path.join(HERE, "system"))
    suite = unittest.defaultTestLoader.discover(os.path.join(HERE, "system"), pattern="test_*.py")
    chosen = unittest.TestSuite()

    def choose(tests):
        for test in tests:
            if isinstance(test, unittest.TestSuite):
                choose(test)
            elif not only or any(word in test.id() for word in only):
                chosen.addTest(test)

    choose(suite)
    return chosen


def run_system_tests(only, tally):
    """Those that mostly wait for time to pass (WAITS in their class) run beside the others, each with a daemon of its own."""
    waiting, others = [], unittest.TestSuite()
    for test in system_tests(only):
        if getattr(test, "WAITS", False):
            waiting.append(test)
        else:
            others.addTest(test)
    with concurrent.futures.ThreadPoolExecutor(max(len(waiting), 1)) as pool:
        runs = [pool.submit(test.run, Result(tally)) for test in waiting]
        others.run(Result(tally))
        for run in runs:
            run.result()


def main():
    parser = argparse.ArgumentParser(description="Run Troupe's tests and count them.")
    parser.add_argument("--build", default="build", help="the build directory (build)")
    parser.add_argument("--only", action="append", help="only tests whose name holds this word")
    parser.add_argument("--skip-system", action="store_true", help="only the programs")
    parser.add_argument("--wrap", default="", help="run each program below this command")
    parser.add_argument("--verdict", type=int, help="a program fails by ending with this status, and by nothing else: for a "
                        "--wrap whose findings count, and under which limits and times are not what the tests expect")
    parser.add_argument("--jobs", type=int, default=2 * len(os.sched_getaffinity(0)),
                        help="programs at a time; many of them wait most of the time")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    os.environ["TROUPE_BUILD"] = os.path.abspath(options.build)
    tally = Tally()

    programs = [os.path.abspath(p) for p in options.programs
                if not options.only or any(word in p for word in options.only)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in pool.map(lambda path: run_program(path, options.wrap.split()), programs):
            count_program(tally, *done, options.verdict)
    if not options.skip_system:
        run_system_tests(options.only, tally)

    if tally.skipped:
        print("skipped:", *tally.skipped, sep="\n  ")
        if os.geteuid() == 0:
            print("as root nothing may be skipped: these count as failures")
            tally.failed += tally.skipped
            tally.skipped = []
    if tally.failed:
        print("failed:", *tally.failed, sep="\n  ")
    print(tally.line(), flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
