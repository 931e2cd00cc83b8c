"""Rows of HTTP: calls by wrk through the server to an actor and back."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from row import Result, Row, Wrong, cpu_seconds, daemon, expect, memory_kib

SCRIPT = """wrk.method = "POST"
wrk.body = '{"name":"you"}'
wrk.headers["Content-Type"] = "application/json"
"""


def load(url, connections, seconds, pid):
    """wrk with one thread: how long 1,000 requests took, and the processor seconds of all."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT)
        script.flush()
        before = cpu_seconds(pid)
        rate = 0
        while not rate:
            text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", script.name, url], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            rate = float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])
            # On a busy machine a second may be over before the first answer is counted.
            seconds *= 4
            if not rate and seconds > 300:
                raise Wrong(f"wrk: {text}")
    # An answer that takes two seconds is a time-out for wrk, and none on a busy machine.
    if re.search(r"Non-2xx|Socket errors: (?!connect 0, read 0, write 0,)", text):
        raise Wrong(f"wrk: {text}")
    return Result(1000 / rate, cpu_seconds(pid) - before, memory_kib(pid, "VmHWM"), {"requests_per_s": rate})


def ours(connections, seconds, worker):
    def run(build):
        actors = {"hello": {"Plugin": os.path.join(build, "plugins", "hello.so"), "Worker": worker},
                  "web": {"Plugin": os.path.join(build, "plugins", "http-server.so"), "Worker": 1,
                          "Config": {"Listen": "tcp:127.0.0.1:0", "HttpMethods": "io.troupe.hello.Greet",
                                     "ConnectionsPerAddress": 2000}}}
        with daemon(build, actors, {"Workers": 2}) as host:
            for name in actors:
                host.wait_unit(name, "running")
            place = host.direct("io.troupe.httpserver.Status")["listen"][0]
            result = load(f"http://{place[4:]}/io.troupe.hello.Greet", connections, seconds, host.worker(1)["pid"])
            expect("the number of restarts", host.worker(1)["restarts"], 0)
        return result
    return run


def bare(connections, seconds):
    def run(build):
        from host import free_port  # with the build directory set
        process, port, end = None, 0, time.monotonic() + 60
        try:
            while True:
                # Somebody else may have that port by now.
                if not process or process.poll() is not None:
                    port = free_port()
                    process = subprocess.Popen([os.path.join(build, "bench-limit-http"), str(port)])
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if time.monotonic() > end:
                    raise Wrong("bench-limit-http does not listen")
                time.sleep(0.05)
            return load(f"http://127.0.0.1:{port}/", connections, seconds, process.pid)
        finally:
            process.kill()
            process.wait()
    return run


def rows(brief):
    if not shutil.which("wrk"):
        return
    seconds = 1 if brief else 5
    for connections in (64, 1000):
        for name, worker in (("http-server", 1), ("http-server-x", 2)):
            yield Row(name, f"{connections}", 1000, ours(connections, seconds, worker), bare(connections, seconds))
