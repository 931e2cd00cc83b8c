"""A row of the benchmarks: what is measured, how, and what it is held against.

A module of rows has `rows(brief)`, which yields Row objects; with `brief` amounts are so small
that a row takes a second. A row's run() starts what it needs in the build that it is given,
measures once, checks what came of it (raise Wrong), and ends all it started. run.py and compare
call it as often as they need.
"""
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Callable, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "system"))


class Wrong(Exception):
    """What was measured did not do its work."""


@dataclass
class Result:
    """One run. notes: further figures by name, such as {"bytes_per_actor": 160.0, "p50_us":
    70.1}."""
    seconds: float
    cpu_s: Optional[float] = None
    peak_rss_kib: Optional[int] = None
    notes: dict = field(default_factory=dict)


@dataclass
class Row:
    """`ops` operations are done in a run of ours and in one of the limit; limit None: there is
    nothing to hold it against."""
    name: str
    params: str
    ops: int
    run: Callable[[str], Result]
    limit: Optional[Callable[[str], Optional[Result]]] = None


def expect(what, is_value, should_be):
    if is_value != should_be:
        raise Wrong(f"{what} is {is_value!r}, should be {should_be!r}")


def daemon(build, actors, settings=None, **more):
    """A daemon of that build, as the system tests start it: with daemon(...) as d."""
    os.environ["TROUPE_BUILD"] = build
    import host  # looks at TROUPE_BUILD
    host.BUILD = build
    for name in ("trouped", "troupectl"):
        setattr(host, name.upper(), os.path.join(build, name))
    return host.Daemon(actors, daemon=settings, **more)


def cpu_seconds(pid):
    """Processor seconds of a process's threads, of those that live."""
    used = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                used += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return used / 1e9


def memory_kib(pid, field):
    """VmRSS: resident now; VmHWM: the most it ever was."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


@contextlib.contextmanager
def watched(*pids):
    """with watched(pid) as used: ...; afterwards used.cpu_s, of all of them; used.peak_rss_kib,
    and used.grown_kib, by how much that is more than was resident before, of the largest."""
    class Used:
        cpu_s, peak_rss_kib, grown_kib = 0.0, 0, 0
    used, before = Used(), [cpu_seconds(pid) for pid in pids]
    resident = [memory_kib(pid, "VmRSS") for pid in pids]
    yield used
    used.cpu_s = sum(cpu_seconds(pid) for pid in pids) - sum(before)
    peaks = [memory_kib(pid, "VmHWM") for pid in pids]
    used.peak_rss_kib = max(peaks)
    used.grown_kib = max(peak - was for peak, was in zip(peaks, resident))


def program(*command):
    """Run a program to its end: what it printed, and its processor seconds. (What the kernel
    says of a child's peak of memory counts its parent in; a program that is measured tells its
    own.)"""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Wrong(f"{' '.join(command)}: status {process.returncode}")
    return output, used.ru_utime + used.ru_stime
