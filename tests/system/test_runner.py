"""What tests/run.py makes of tests that fail: once, each time, or with a finding."""
import contextlib
import io
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import run  # noqa: E402


class Job:
    """Fails so many times, saying why, and passes then. Each run is a process of its own."""

    waits = measures = 0

    def __init__(self, directory, name, failures, why="too late"):
        self.name, self.failures, self.why = name, failures, why
        self.path = os.path.join(directory, name)

    def runs(self):
        return os.path.getsize(self.path)

    def run(self, tally):
        with open(self.path, "ab") as runs:
            runs.write(b".")
        if self.runs() <= self.failures:
            tally.failed.append(self.name)
            print(f"FAIL {self.name}: {self.why}")
        else:
            tally.passed += 1


class Again(unittest.TestCase):
    def judge(self, limit, *jobs):
        """Returns (passed, failed, unsteady), after each job ran as it should."""
        with contextlib.redirect_stdout(io.StringIO()):
            outcomes, unsteady = run.run_again(run.run_jobs(list(jobs), 2, 2), limit)
        self.assertEqual(len(outcomes), len(jobs))
        tally = run.Tally()
        for outcome in outcomes:
            tally.add(outcome.tally)
        return tally.passed, sorted(tally.failed), sorted(unsteady)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def job(self, *rest):
        return Job(self.directory, *rest)

    def test_what_passes_alone_is_unsteady(self):
        good, once = self.job("good", 0), self.job("once", 1)
        self.assertEqual(self.judge(3, good, once), (2, [], ["once"]))
        self.assertEqual((good.runs(), once.runs()), (1, 2))

    def test_what_fails_again_has_failed(self):
        self.assertEqual(self.judge(3, self.job("twice", 2), self.job("once", 1)), (1, ["twice"], ["once"]))

    def test_nothing_is_tried_again_unasked(self):
        once = self.job("once", 1)
        self.assertEqual(self.judge(0, once), (0, ["once"], []))
        self.assertEqual(once.runs(), 1)

    def test_many_failures_are_no_accident(self):
        jobs = [self.job(f"once{i}", 1) for i in range(4)]
        self.assertEqual(self.judge(3, *jobs)[1], [job.name for job in jobs])
        self.assertEqual({job.runs() for job in jobs}, {1})

    def test_what_a_failed_assertion_leaks_is_no_finding(self):
        leak = ("==5==ERROR: LeakSanitizer: detected memory leaks\nIndirect leak of 40 byte(s) in 1 object(s)\n"
                "SUMMARY: AddressSanitizer: 40 byte(s) leaked in 1 allocation(s).")
        left = self.job("left", 1, f"\nnot ok 8 - many\n# error: Failure!\n{leak}")
        self.assertEqual(self.judge(3, left), (1, [], ["left"]))
        for i, why in enumerate((f"\nok 8 - many\n{leak}", f"\nnot ok 8 - many\n==5==ERROR: AddressSanitizer: SEGV\n{leak}")):
            found = self.job(f"found{i}", 1, why)
            self.assertEqual(self.judge(3, found), (0, [found.name], []))

    def program(self, script):
        path = os.path.join(self.directory, "program")
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\necho >> {self.directory}/runs\n{script}")
        os.chmod(path, 0o755)
        return run.Program(path, types.SimpleNamespace(wrap="", verdict=None))

    def test_a_program_that_is_killed_has_failed(self):
        for script in ("echo 1..2; echo ok 1 - one; kill -ABRT $$", "echo 1..2; echo not ok 1 - one; kill -ABRT $$"):
            self.assertEqual(self.judge(3, self.program(script))[1:], ([mock.ANY], []))
        with open(os.path.join(self.directory, "runs")) as runs:
            self.assertEqual(len(runs.readlines()), 2)  # one each

    def test_a_program_does_all_that_it_planned(self):
        for script, passed in (("echo 1..2; echo ok 1 - one; echo 'ok 2 - two # SKIP no'", 1), ("echo 1..2; echo ok 1 - one", None)):
            outcome = self.judge(0, self.program(script))
            self.assertEqual(outcome[1:] == ([], []), passed is not None, outcome)

    def test_a_finding_is_not_taken_back(self):
        for why in ("ERROR: AddressSanitizer: heap-use-after-free", "WARNING: ThreadSanitizer: data race",
                    "switch.c:1:2: runtime error: shift exponent", "x: ended with status -11 after 3 tests"):
            with self.subTest(why):
                found = self.job("found" + str(len(why)), 1, why)
                self.assertEqual(self.judge(3, found, self.job("good", 0)), (1, [found.name], []))
                self.assertEqual(found.runs(), 1)


if __name__ == "__main__":
    unittest.main()
