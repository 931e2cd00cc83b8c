"""Rows of connections: lines that a task for each of them echoes, to a client that has one line
on the way in each. The limit is a bare loop over epoll."""
import os
import resource
import subprocess

from row import Result, Row, cpu_seconds, daemon, memory_kib, program


def talk(build, port, connections, lines, pid):
    before, rss = cpu_seconds(pid), memory_kib(pid, "VmRSS")
    output, _ = program(os.path.join(build, "bench-lines-client"), str(port), str(connections), str(lines))
    return Result(float(output), cpu_seconds(pid) - before, memory_kib(pid, "VmHWM"),
                  {"bytes_per_connection": (memory_kib(pid, "VmHWM") - rss) * 1024 / connections})


def echo(connections, lines):
    def run(build):
        with daemon(build, {"lines": {"Plugin": os.path.join(build, "bench-plugins", "lines.so"), "Worker": 1,
                                      "Tasks": connections + 1}}, {"Workers": 1}) as host:
            host.wait_unit("lines", "running")
            pid = host.worker(1)["pid"]
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (connections + 1000, connections + 1000))
            place = host.call("lines", "io.troupe.test.lines.Status")["place"]
            return talk(build, place.rsplit(":", 1)[1], connections, lines, pid)

    def limit(build):
        process = subprocess.Popen([os.path.join(build, "bench-limit-lines")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (connections + 1000, connections + 1000))
        try:
            return talk(build, int(process.stdout.readline()), connections, lines, process.pid)
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
    return Row("lines", f"{connections}:{lines}", lines, run, limit)


def rows(brief):
    yield echo(100, 5_000 if brief else 500_000)
    if os.geteuid() == 0:  # so many descriptors are root's to give
        yield echo(1000 if brief else 10_000, 5_000 if brief else 500_000)
