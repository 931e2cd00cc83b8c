"""Rows from outside: calls over the control socket, lines through troupectl map, the start of
the daemon."""
import json
import os
import socket
import statistics
import tempfile
import time

from row import Result, Row, Wrong, cpu_seconds, daemon, expect, program, watched

METHOD = "io.troupe.pair.Next"
WINDOW = 64  # calls of a connection that may be unanswered


def follower(build):
    return f"[Actor]\nPlugin={os.path.join(build, 'bench-plugins', 'pair.so')}:follower\n"


def control(connections, calls):
    """Calls of one actor's method by bench-client: one master, one worker, one client. More
    than 1,000 connections are those of several users with one group, which takes root."""
    def run(build):
        with daemon(build, {"next": follower(build)}, {"Workers": 1, "CallGroup": os.getegid()}) as host:
            host.wait_unit("next", "running")
            os.chmod(host.directory, 0o710)  # for the group to reach the socket
            worker, master = host.workers()[0]["pid"], host.process.pid
            before = cpu_seconds(master)
            with watched(master, worker) as used:
                output, cpu = program(os.path.join(build, "bench-client"), host.socket, METHOD, str(connections),
                                         str(WINDOW), str(calls))
            mastered = cpu_seconds(master) - before
        fields = output.strip().split(",")
        expect("the answer of bench-client", [fields[0], fields[2]], ["RESULT", str(calls)])
        seconds = float(fields[1])
        # Shares of the time that each was busy: which of them is the bottleneck.
        return Result(seconds, used.cpu_s, used.peak_rss_kib,
                      {"workers": 1, "master_busy_percent": 100 * mastered / seconds,
                       "worker_busy_percent": 100 * (used.cpu_s - mastered) / seconds,
                       "client_busy_percent": 100 * cpu / seconds})
    return Row("control", f"{connections}:{calls}", calls, run)


def map_lines(lines):
    """JSON lines through `troupectl map`, from a file and to one, with its usual connections
    and window."""
    def run(build):
        with daemon(build, {"next": follower(build)}, {"Workers": 1}) as host:
            host.wait_unit("next", "running")
            path = os.path.join(host.directory, "lines")
            with open(path, "w") as file:
                file.writelines(f'{{"number":{number}}}\n' for number in range(lines))
            with watched(host.process.pid, host.workers()[0]["pid"]) as used:
                began = time.monotonic()
                output, cpu = program(os.path.join(build, "troupectl"), "--socket", host.socket, "map", METHOD, "--input", path)
                seconds = time.monotonic() - began
        answers = [json.loads(line)["number"] for line in output.splitlines()]
        if answers != list(range(1, lines + 1)):
            raise Wrong(f"map: {len(answers)} answers to {lines} lines, or not those to be expected")
        return Result(seconds, used.cpu_s + cpu, used.peak_rss_kib, {"troupectl_busy_percent": 100 * cpu / seconds})
    return Row("map", str(lines), lines, run)


def start_once(build, actors):
    """Seconds from exec to READY=1, every actor running then."""
    with tempfile.TemporaryDirectory(prefix="troupe-") as directory, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(os.path.join(directory, "notify"))
        notify.settimeout(60)
        with daemon(build, {f"actor{number}": follower(build) for number in range(actors)}, {"Workers": 2},
                    env={"NOTIFY_SOCKET": os.path.join(directory, "notify")}, start=False) as host:
            began = time.monotonic()
            host.launch()
            while b"READY=1" not in notify.recv(65536).split(b"\n"):
                pass
            seconds = time.monotonic() - began
            running = [unit["state"] for unit in host.control("List")["units"]].count("running")
            expect("the number of actors that run", running, actors)
            cpu = sum(cpu_seconds(pid) for pid in host.processes())
    return seconds, cpu


def start(actors, times):
    """The median of `times` starts, each unit a file of its own, in two workers."""
    def run(build):
        starts = [start_once(build, actors) for _ in range(times)]
        seconds = statistics.median(seconds for seconds, _ in starts)
        return Result(seconds, statistics.median(cpu for _, cpu in starts),
                      notes={"fastest_ms": 1000 * min(starts)[0], "slowest_ms": 1000 * max(starts)[0]})
    return Row("start", f"{actors}", 1, run)


def rows(brief):
    yield control(1, 2000 if brief else 200_000)
    yield control(100, 2000 if brief else 200_000)
    yield map_lines(1000 if brief else 200_000)
    yield start(100, 2 if brief else 20)
