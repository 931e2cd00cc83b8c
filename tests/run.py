#!/usr/bin/env python3
"""Run Troupe's tests and count them.

    run.py --build DIR [--only WORD]... [--skip-system] PROGRAM...

PROGRAM...: cmocka programs (they speak TAP) and shell tests (*.sh: exit status 0 is a pass, 77
a skip). The system tests, tests/system/test_*.py, follow: real processes, real sockets, and as
root a real systemd. The last line is "N passed, N failed", with ", N skipped" behind it when
there were any. Run as root, a skipped test is a failure: everything a test may need is there
then.

With --again N, a test that fails while the machine is full of others runs once more, with the
machine for itself. If it passes then it is listed as unsteady: a fault to be mended, but not
one of the change that is being tested. More than N such tests, a sanitizer's finding, or a
program that was killed, are failures at once.
"""
import argparse
import collections
import io
import multiprocessing
import multiprocessing.connection
import os
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_SECONDS = 600  # for one test, or all of a program
FINDING = re.compile(r"(Address|Leak|Thread)Sanitizer|runtime error: |ended with status -|its process has died")
# A cmocka test that fails leaves by longjmp() and frees nothing: what leaks then is no finding.
ASSERTION = re.compile(r"^not ok \d", re.M)
LEAK = re.compile(r"ERROR: LeakSanitizer|SUMMARY: AddressSanitizer: \d+ byte\(s\) leaked")

# What one job came to: its tally, what it printed, its seconds and those of processors.
Outcome = collections.namedtuple("Outcome", "job tally text seconds used")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def line(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {len(self.skipped)} skipped" if self.skipped else "")


def run_program(path, wrap, options=(), seconds=LIMIT_SECONDS, env=None, **rest):
    """Return (path, exit status, output, seconds). Of a session of its own all ends that is
    late."""
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


class Program:
    """A cmocka program or a shell script."""

    waits = measures = 0

    def __init__(self, path, options):
        self.path, self.name, self.options = path, os.path.relpath(path), options

    def run(self, tally):
        _, status, output, seconds = run_program(self.path, self.options.wrap.split())
        self.count(tally, status, output)
        word = "FAIL" if tally.failed else "ok"
        print(f"{word:4} {self.name}: {tally.passed} passed, {len(tally.failed)} failed ({seconds:.1f} s)")
        if tally.failed:
            print(output)
        if status < 0:
            print(f"{self.name}: ended with status {status}")

    def count(self, tally, status, output):
        name = self.name
        if self.options.verdict is not None:
            if status == self.options.verdict:
                tally.failed.append(name)
            else:
                tally.passed = 1
        elif self.path.endswith(".sh"):
            if status == 77:
                tally.skipped.append(name)
            elif status == 0:
                tally.passed = 1
            else:
                tally.failed.append(name)
        else:
            for line in output.splitlines():
                match = re.match(r"(not )?ok \d+ - (.*?)(\s*# SKIP.*)?$", line)
                if not match:
                    continue
                if match[3]:
                    tally.skipped.append(f"{name}: {match[2]}")
                elif match[1]:
                    tally.failed.append(f"{name}: {match[2]}")
                else:
                    tally.passed += 1
            planned = sum(map(int, re.findall(r"^1\.\.(\d+)", output, re.M)))
            reported = tally.passed + len(tally.failed) + len(tally.skipped)
            if not tally.failed and (status != 0 or reported != planned or reported == 0):
                tally.failed.append(f"{name}: ended with status {status} after {reported} tests")


class Result(unittest.TestResult):
    """One line a system test, as it ends."""

    def __init__(self, tally):
        super().__init__()
        self.tally = tally

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def show(self, word, test):
        print(f"{word:4} {test.id()} ({time.monotonic() - self.began:.1f} s)")

    def addSuccess(self, test):
        self.tally.passed += 1
        self.show("ok", test)

    def bad(self, test, err):
        # Errors in setUpClass come without a startTest.
        self.began = getattr(self, "began", time.monotonic())
        self.tally.failed.append(test.id())
        self.show("FAIL", test)
        print(self._exc_info_to_string(err, test))

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
        self.show("skip", test)


class SystemTests:
    """A system test; or all of a class, when they share what its setUpClass() made."""

    def __init__(self, tests):
        self.tests = tests
        self.name = tests[0].id() if len(tests) == 1 else unittest.util.strclass(type(tests[0]))
        self.waits, self.measures = self.mark("WAITS"), self.mark("MEASURES")

    def mark(self, name):
        """As host.waits() and host.measures() mark a test or its class."""
        return getattr(getattr(self.tests[0], self.tests[0]._testMethodName), name, getattr(self.tests[0], name, 0))

    def run(self, tally):
        signal.signal(signal.SIGALRM, self.on_late)
        signal.alarm(LIMIT_SECONDS)
        unittest.TestSuite(self.tests).run(Result(tally))
        signal.alarm(0)

    @staticmethod
    def on_late(*_):
        raise TimeoutError(f"not done after {LIMIT_SECONDS} s")


def system_tests(only):
    sys.path.insert(0, os.path.join(HERE, "system"))
    suite = unittest.defaultTestLoader.discover(os.path.join(HERE, "system"), pattern="test_*.py")
    alone, together = [], {}

    def choose(tests):
        for test in tests:
            if isinstance(test, unittest.TestSuite):
                choose(test)
            elif not only or any(word in test.id() for word in only):
                if type(test).setUpClass.__func__ is unittest.TestCase.setUpClass.__func__:
                    alone.append([test])
                else:
                    together.setdefault(type(test), []).append(test)

    choose(suite)
    return [SystemTests(tests) for tests in [*together.values(), *alone]]


def run_job(job, pipe):
    """In a process of its own: send what it printed, its tally, and the seconds of processors
    that it and its children took."""
    tally = Tally()
    sys.stdout = io.StringIO()
    try:
        job.run(tally)
    except Exception:
        tally.failed.append(job.name)
        print(f"FAIL {job.name}\n{traceback.format_exc()}")
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    pipe.send((sys.stdout.getvalue(), tally, used))


def run_jobs(jobs, at_a_time, waiting_at_a_time):
    """Run each in a process of its own: so many at a time, and so many of those that mostly
    wait for time to pass beside them, those first that wait longest. Those that measure have
    the machine for themselves afterwards, one less at a time. Returns their outcomes."""
    fork = multiprocessing.get_context("fork")
    measuring = [job for job in jobs if job.measures]
    waiting = sorted((job for job in jobs if job.waits and not job.measures), key=lambda job: -job.waits)
    others = [job for job in jobs if not job.waits and not job.measures]
    running, outcomes = {}, []

    def start(queue, limit):
        while queue and sum(lane is queue for lane, *_ in running.values()) < limit:
            job = queue.pop(0)
            ours, theirs = fork.Pipe(False)
            process = fork.Process(target=run_job, args=(job, theirs))
            process.start()
            theirs.close()
            running[ours] = (queue, job, process, time.monotonic())

    while True:
        start(waiting, waiting_at_a_time)
        start(others, at_a_time)
        if not others and not any(lane is others for lane, *_ in running.values()):
            start(measuring, max(at_a_time - 1, 1))
        if not running:
            return outcomes
        for pipe in multiprocessing.connection.wait(list(running)):
            _, job, process, began = running.pop(pipe)
            try:
                text, its, used = pipe.recv()
            except EOFError:
                text, its, used = f"FAIL {job.name}: its process has died\n", Tally(), 0
                its.failed.append(job.name)
            process.join()
            pipe.close()
            print(text, end="", flush=True)
            outcomes.append(Outcome(job, its, text, time.monotonic() - began, used))


def is_finding(text):
    return FINDING.search(LEAK.sub("", text) if ASSERTION.search(text) else text) is not None


def run_again(outcomes, limit):
    """Run each job that failed once more, one at a time. Returns the outcomes that count, and
    the names of the tests that failed first and pass now."""
    failed = [outcome for outcome in outcomes if outcome.tally.failed]
    if not failed or len(failed) > limit or any(is_finding(outcome.text) for outcome in failed):
        return outcomes, []
    print(f"once more, with the machine for themselves: {', '.join(outcome.job.name for outcome in failed)}")
    second = {outcome.job: outcome for outcome in run_jobs([outcome.job for outcome in failed], 1, 1)}
    for outcome in failed:
        its = second[outcome.job].tally
        its.failed += [name for name in its.skipped if name not in outcome.tally.skipped]
    unsteady = [name for outcome in failed if not second[outcome.job].tally.failed for name in outcome.tally.failed]
    return [second.get(outcome.job, outcome) for outcome in outcomes], unsteady


def main():
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description="Run Troupe's tests and count them.")
    parser.add_argument("--build", default="build", help="the build directory (build)")
    parser.add_argument("--only", action="append", help="only tests whose name holds this word")
    parser.add_argument("--skip-system", action="store_true", help="only the programs")
    parser.add_argument("--wrap", default="", help="run each program below this command")
    parser.add_argument("--verdict", type=int, help="a program fails by ending with this status, and by nothing else: for a "
                        "--wrap whose findings count, and under which limits and times are not what the tests expect")
    parser.add_argument("--jobs", type=int, default=cores + 1, help="tests at a time, but for those that mostly wait")
    parser.add_argument("--waiting", type=int, default=4 * cores, help="tests at a time of those that mostly wait")
    parser.add_argument("--again", type=int, metavar="N", default=0, help="as above: at most N jobs get a second try (0)")
    parser.add_argument("--slowest", type=int, metavar="N", default=0, help="show the N that took longest, and the N that took "
                        "most of the processors")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    os.environ["TROUPE_BUILD"] = os.path.abspath(options.build)
    # gcc 12's AddressSanitizer takes what lies before a library's thread-local block for its
    # size when the block begins 16 bytes into a page, and dies of it while looking for leaks.
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "intercept_tls_get_addr=0"]))
    tally = Tally()
    began = time.monotonic()
    # Scripts first: they run compilers, and are not to be left for the end.
    paths = sorted(map(os.path.abspath, options.programs), key=lambda path: not path.endswith(".sh"))
    jobs = [Program(path, options) for path in paths if not options.only or any(word in path for word in options.only)]
    if not options.skip_system:
        jobs += system_tests(options.only)
    outcomes, unsteady = run_again(run_jobs(jobs, options.jobs, options.waiting), options.again)
    for outcome in outcomes:
        tally.add(outcome.tally)

    if options.slowest:
        for what, key in (("longest", "seconds"), ("most of the processors", "used")):
            print(f"took {what} (seconds, of processors):")
            for outcome in sorted(outcomes, key=lambda outcome: -getattr(outcome, key))[:options.slowest]:
                print(f"  {outcome.seconds:6.1f} {outcome.used:6.1f} {outcome.job.name}")
    print(f"{time.monotonic() - began:.0f} s, in which tests took {sum(outcome.seconds for outcome in outcomes):.0f} s, and "
          f"{sum(outcome.used for outcome in outcomes):.0f} s of processors")
    if unsteady:
        print("unsteady, to be mended (failed among the others, pass alone):", *unsteady, sep="\n  ")
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
