"""Rows of the whole job: an http-server, a crawler with its http-client, and a pool that counts
the words of the pages. Beside it, from the same server and of the same listing, the same in
Python: aiohttp and a pool of processes."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from row import HERE, Result, Row, cpu_seconds, daemon, expect, memory_kib, program

FILES = 200
WORDS = "the quick brown fox jumps over a lazy dog while actors wait for pages of some words each ".encode()


def plugin(build, name):
    return {"Plugin": os.path.join(build, "plugins", name + ".so")}


@contextlib.contextmanager
def pages(build, count, size, in_flight):
    """A daemon that serves files of `size` bytes, and a listing of so many URLs of them."""
    directory = tempfile.mkdtemp(prefix="troupe-bench-", dir="/tmp")
    os.chmod(directory, 0o755)
    text = (WORDS * (size // len(WORDS) + 1))[:size - 1] + b"\n"
    os.mkdir(os.path.join(directory, "root"))
    for number in range(FILES):
        with open(os.path.join(directory, "root", str(number)), "wb") as file:
            file.write(text)
    actors = {
        "web": {**plugin(build, "http-server"), "Worker": 1, "Config": {
            "Listen": "tcp:127.0.0.1:0", "Root": os.path.join(directory, "root"),
            "Connections": 20000, "ConnectionsPerAddress": 20000}},
        "http-client": {**plugin(build, "http-client"), "Worker": 2,
                        "Config": {"Connections": in_flight, "ConnectionsPerHost": in_flight}},
        "crawler": {**plugin(build, "crawler"), "Worker": 2, "Tasks": in_flight + 10, "Config": {"Listings": directory}},
        "wordcount": {**plugin(build, "wordcount"), "Instances": 3, "Balance": "least-outstanding"}}
    try:
        with daemon(build, actors, {"Workers": 3}) as host:
            for name in actors:
                host.wait_unit(name, "running")
            place = host.direct("io.troupe.httpserver.Status")["listen"][0].removeprefix("tcp:")
            with open(os.path.join(directory, "listing"), "w") as file:
                file.writelines(f"http://{place}/{number % FILES}\n" for number in range(count))
            yield host, os.path.join(directory, "listing"), text
    finally:
        shutil.rmtree(directory)


def check(count, size, text, result):
    words = len(text.split()) * count
    expect("what was counted", [result["pages"], result["bytes"], result["words"], result["distinct"]],
           [count, count * size, words, len(set(text.split()))])


def ours(count, size, in_flight):
    def run(build):
        with pages(build, count, size, in_flight) as (host, listing, text):
            pids = [worker["pid"] for worker in host.workers()]
            before = sum(map(cpu_seconds, pids))
            began = os.times().elapsed
            with host.client(3600) as client:
                reply = client.call("io.troupe.Control.Call", {
                    "name": "crawler", "method": "io.troupe.crawler.Crawl", "timeoutMs": 3_600_000,
                    "parameters": {"urls": [], "listing": os.path.basename(listing), "inFlight": in_flight}})["parameters"]
            seconds = os.times().elapsed - began
            check(count, size, text, {**reply["progress"], **{key: reply["result"][key] for key in ("words", "distinct")}})
            peaks = [memory_kib(pid, "VmHWM") for pid in pids]
            return Result(seconds, sum(map(cpu_seconds, pids)) - before, max(peaks),
                          {"peak_rss_of_all_mib": sum(peaks) / 1024})
    return run


def interpreter():
    """One that has aiohttp, of Debian's package python3-aiohttp too; or None."""
    for path in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(path) and not subprocess.run([path, "-c", "import aiohttp"], stderr=subprocess.DEVNULL).returncode:
            return path
    return None


def python(count, size, in_flight):
    """None where there is no aiohttp."""
    path = interpreter()
    if not path:
        return None

    def run(build):
        with pages(build, count, size, in_flight) as (host, listing, text):
            pids = [worker["pid"] for worker in host.workers()]
            before = sum(map(cpu_seconds, pids))
            output, cpu = program(path, os.path.join(HERE, "pipeline_asyncio.py"), str(in_flight), "2", listing)
            result = json.loads(output)
            check(count, size, text, result)
            return Result(result["seconds"], cpu + sum(map(cpu_seconds, pids)) - before, result["rss_kib"])
    return run


def rows(brief):
    for library in ("libcurl >= 7.88.0", "libmicrohttpd"):
        if subprocess.run(["pkg-config", "--exists", library]).returncode:
            return  # an actor of it was left out
    in_flight = 50 if brief else 1000
    for name, size, count in (("pipeline-512", 512, 50_000), ("pipeline-20k", 20480, 20_000)):
        count = 500 if brief else count
        yield Row(name, f"{in_flight}:{count}:{size}", count, ours(count, size, in_flight), python(count, size, in_flight))
