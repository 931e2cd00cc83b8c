"""Rows of actors/http-client: pages from a server on loopback, asked for by another actor's
calls. The limit is bare libcurl in a program of its own, which drops what it gets."""
import contextlib
import os
import subprocess

from row import Result, Row, daemon, expect, program, watched


@contextlib.contextmanager
def server(build, size):
    """The URL of a server of one page."""
    process = subprocess.Popen([os.path.join(build, "bench-http-server"), str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def fetch(connections, pages, size, workers):
    """workers 1: who asks is in the worker of the http-client; 2: in another."""
    def run(build):
        actors = {"http": f"[Actor]\nPlugin={os.path.join(build, 'plugins', 'http-client.so')}\nWorker=1\n"
                          f"[Config]\nConnections={connections}\nConnectionsPerHost={connections}\n",
                  "crawl": f"[Actor]\nPlugin={os.path.join(build, 'bench-plugins', 'http.so')}\nWorker={workers}\nMailbox=4096\n"}
        with server(build, size) as url, daemon(build, actors, {"Workers": workers}) as host:
            for name in actors:
                host.wait_unit(name, "running")
            with host.client(600) as client, watched(*(worker["pid"] for worker in host.workers())) as used:
                reply = client.call("io.troupe.Control.Call", {
                    "name": "crawl", "method": "io.troupe.crawl.Crawl", "timeoutMs": 600_000,
                    "parameters": {"client": "http", "url": url, "pages": pages, "onTheWay": connections}})["parameters"]
        expect("pages fetched", [reply["fetched"], reply["failed"], reply["bytes"]], [pages, 0, pages * size])
        return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib)

    def limit(build):
        with server(build, size) as url:
            output, cpu = program(os.path.join(build, "bench-limit-curl"), str(connections), str(pages), url)
        fields = output.strip().split(",")
        expect("what limit-curl fetched", [fields[:2], fields[3]], [["RESULT", "http"], str(pages * size)])
        return Result(float(fields[2]), cpu)
    return Row("http-client" if workers == 1 else "xhttp-client", f"{connections}:{pages}:{size}", pages, run, limit)


def rows(brief):
    if subprocess.run(["pkg-config", "--exists", "libcurl >= 7.88.0"]).returncode:
        return  # http-client was left out
    for size in (512, 20480):
        for workers in (1, 2):
            yield fetch(10 if brief else 1000, 500 if brief else 50_000, size, workers)
