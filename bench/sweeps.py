"""The sweeps of plots.py: what grows, what is measured at each size, and what is drawn of it.

parts(brief) yields (x, function) pairs; a function gets the build's directory, measures once
and returns figures by column. An x may come several times, each time with other columns: when
one part fails the others are there.
"""
import os
import threading
import time
from dataclasses import dataclass
from typing import Callable

import between
import inside
from chart import Axis, Line, Panel
from row import daemon, expect, program

CONTROL = "io.troupe.Control"


@dataclass
class Sweep:
    name: str
    title: str
    x: str          # name of the first column
    columns: list
    parts: Callable
    panels: Callable  # of a function that gives the points of a column


def ns(result, row):
    return result.seconds * 1e9 / row.ops


def both(row, ours, bare):
    """Nanoseconds an operation, ours and the limit's."""
    def part(build):
        return {ours: ns(row.run(build), row), bare: ns(row.limit(build), row)}
    return part


# ---- actors

def idle(actors):
    row = inside.idle(actors)

    def part(build):
        return {"bytes": row.run(build).notes["bytes_per_actor"], "limit_bytes": row.limit(build).notes["bytes_per_actor"]}
    return part


def actors_parts(brief):
    for n in (1, 1000) if brief else (1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 4_000_000):
        hops = 10_000 if brief else max(2_000_000, n)
        yield n, both(inside.ring(n, hops), "ring_ns", "limit_ring_ns")
        yield n, both(inside.ring_shuffled(n, hops), "shuffled_ns", "limit_shuffled_ns")
        if n >= 1000:  # fewer are over before the clock is read twice
            yield n, both(inside.create(n, n), "create_ns", "limit_create_ns")
        if n >= 10_000 or brief:  # of fewer one sees the pages that are begun
            yield n, idle(n)


def actors_panels(points):
    x = Axis("actors", ticks=[10 ** power for power in range(7)])
    return [Panel("A ball goes around a ring", x, Axis("nanoseconds a message"), [
                Line("in order", points("ring_ns"), 0), Line("bare limit", points("limit_ring_ns"), 0, True),
                Line("shuffled in memory", points("shuffled_ns"), 1),
                Line("bare limit", points("limit_shuffled_ns"), 1, True)]),
            Panel("All made, a message each, all ended", x, Axis("nanoseconds an actor"), [
                Line("create", points("create_ns"), 2), Line("bare limit", points("limit_create_ns"), 2, True)]),
            Panel("Idle actors", x, Axis("bytes of memory an actor", None), [
                Line("idle", points("bytes"), 3), Line("bare limit", points("limit_bytes"), 3, True)])]


# ---- mailbox depth

def filled(depth, messages):
    row = inside.counting(messages, depth)

    def part(build):
        result = row.run(build)
        return {"counting_ns": ns(result, row), "limit_ns": ns(row.limit(build), row), "grown_kib": result.notes["grown_kib"]}
    return part


def mailbox_parts(brief):
    for depth in (1, 1000) if brief else (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        yield depth, filled(depth, 20_000 if brief else 4_000_000)


def mailbox_panels(points):
    def x():
        return Axis("messages that the mailbox holds", ticks=[10 ** power for power in range(7)])
    return [Panel("Filled, then drained, again and again", x(), Axis("nanoseconds a message"), [
                Line("counting", points("counting_ns"), 0), Line("bare limit", points("limit_ns"), 0, True)]),
            Panel("What the worker grew by meanwhile", x(), Axis("memory", 2, "B"), [
                Line("counting", [(at, None if kib is None else kib * 1024) for at, kib in points("grown_kib")], 1)])]


# ---- message size

# Messages under way hold so much memory at most, which is what fits the caches' order of size;
# and so many.
UNDER_WAY, WINDOW_LEAST, WINDOW_MOST = 4 << 20, 8, 4096


def sized(size, messages, workers, column):
    """Messages with so many bytes of data to an actor in the same worker, or in another."""
    window = max(WINDOW_LEAST, min(WINDOW_MOST, UNDER_WAY // max(size, 1)))

    def part(build):
        plugin = os.path.join(build, "bench-plugins", "pair.so")
        units = {"leader": {"Plugin": f"{plugin}:leader", "Worker": 1},
                 "follower": {"Plugin": f"{plugin}:follower", "Worker": workers, "Mailbox": window + 16, "MailboxBytes": "256M"}}
        with daemon(build, units, {"Workers": workers}) as host:
            host.wait_workers(workers)
            for name in units:
                host.wait_unit(name, "running")
            with host.client(120) as client:
                reply = client.call(f"{CONTROL}.Call", {
                    "name": "leader", "method": "io.troupe.pair.Large", "timeoutMs": 120_000,
                    "parameters": {"peer": "follower", "messages": messages, "bytes": size, "window": window}})["parameters"]
        return {column: reply["seconds"] * 1e9 / messages}
    return part


def bare_copy(size, messages):
    """One process copies in, the other out."""
    row = between.limit("bench-limit-copy", "copy", messages, size, WINDOW_LEAST * 2)
    return lambda build: {"limit_ns": row(build).seconds * 1e9 / messages}


def size_parts(brief):
    for size in (0, 1000, 1 << 20) if brief else (0, 16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20):
        amount = (1000, 10 << 20) if brief else (3_000_000, 2 << 30)
        messages = max(10, min(amount[0], amount[1] // max(size, 1)))
        yield size, sized(size, messages, 1, "within_ns")
        yield size, sized(size, messages, 2, "between_ns")
        if size >= 64 << 10:
            yield size, bare_copy(size, messages)


def size_panels(points):
    def x():
        return Axis("bytes of data in a message", 2, "B")

    def rate(column):
        return [(size, None if value is None or size == 0 else size / value) for size, value in points(column)]
    return [Panel("What a message costs", x(), Axis("nanoseconds a message"), [
                Line("within a worker", points("within_ns"), 0), Line("between two workers", points("between_ns"), 1),
                Line("bare copy in and out", points("limit_ns"), 1, True)]),
            Panel("How many bytes arrive", x(), Axis("gigabytes a second"), [
                Line("within a worker", rate("within_ns"), 0), Line("between two workers", rate("between_ns"), 1),
                Line("bare copy in and out", rate("limit_ns"), 1, True)])]


# ---- workers

LIGHT, HEAVY = 0, 50_000  # rounds of arithmetic in a call: none; a tenth of a millisecond
POOL = 16                 # actors, spread over the workers
UNANSWERED = 64


def busy(build, rounds, **more):
    plugin = os.path.join(build, "bench-plugins", "bench.so")
    return {"Plugin": plugin, "Type": "busy", "Config": {"rounds": rounds}, **more}


def pairs(workers, throws):
    """In each worker two actors play ping-pong; the clock stops when all have played."""
    def part(build):
        units = {f"busy{number}": busy(build, LIGHT, Worker=number) for number in range(1, workers + 1)}
        with daemon(build, units, {"Workers": workers}) as host:
            host.wait_workers(workers)
            for name in units:
                host.wait_unit(name, "running")
            replies = {}

            def play(name, client):
                replies[name] = client.call(f"{CONTROL}.Call", {
                    "name": name, "method": "io.troupe.busy.Play", "parameters": {"throws": throws}, "timeoutMs": 120_000})
            clients = [host.client(120) for _ in units]
            threads = [threading.Thread(target=play, args=pair) for pair in zip(units, clients)]
            began = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - began
            for client in clients:
                client.close()
        expect("number of pairs that played", len(replies), workers)
        return {"messages_per_s": workers * throws / seconds}
    return part


def client(build, host, method, connections, window, calls, idle_connections=0):
    """Seconds, and what a call took in microseconds: half of them at most, 99 of 100 at
    most."""
    output, _ = program(os.path.join(build, "bench-client"), host.socket, method, str(connections), str(window),
                        str(calls), str(idle_connections))
    fields = output.strip().split(",")
    expect("the answer of bench-client", [fields[0], fields[2]], ["RESULT", str(calls)])
    return float(fields[1]), float(fields[3]), float(fields[4])


def calls_of_pool(workers, rounds, calls, column):
    def part(build):
        with daemon(build, {"busy": busy(build, rounds, Instances=POOL)}, {"Workers": workers}) as host:
            host.wait_workers(workers)
            host.wait_unit("busy", "running")
            seconds, _, _ = client(build, host, "io.troupe.busy.Next", 1, UNANSWERED, calls)
        return {column: calls / seconds}
    return part


def workers_parts(brief):
    for workers in (1, 3) if brief else range(1, 9):
        yield workers, pairs(workers, 10_000 if brief else 60_000_000 // workers // 2 * 2)
        yield workers, calls_of_pool(workers, HEAVY, 200 if brief else 10_000, "heavy_calls_per_s")
        yield workers, calls_of_pool(workers, LIGHT, 1000 if brief else 60_000, "light_calls_per_s")


def workers_panels(points):
    def x():
        return Axis("workers", None, ticks=list(range(9)))
    return [Panel("A pair plays ping-pong in each worker", x(), Axis("messages a second, of all", None), [
                Line("ping-pong", points("messages_per_s"), 0)]),
            Panel("Calls of a pool over the control socket", x(), Axis("calls a second", None), [
                Line("handlers that compute 0.1 ms", points("heavy_calls_per_s"), 1),
                Line("handlers that do nothing", points("light_calls_per_s"), 2)])]


# ---- connections

ALL_UNANSWERED = 16_384  # of all connections together; the daemon takes 65,536


def calls_of(connections, window, calls, names, idle_connections=0):
    """names: the columns for calls a second, for what half of them took at most, and for what
    99 of 100 did."""
    def part(build):
        plugin = os.path.join(build, "bench-plugins", "pair.so")
        # More than 1,000 connections are those of several users with one group, which takes
        # root.
        with daemon(build, {"next": f"[Actor]\nPlugin={plugin}:follower\n"}, {"Workers": 1, "CallGroup": os.getegid()}) as host:
            os.chmod(host.directory, 0o710)  # for the group to reach the socket
            host.wait_unit("next", "running")
            seconds, *times = client(build, host, "io.troupe.pair.Next", connections, window, calls, idle_connections)
        return {name: value for name, value in zip(names, (calls / seconds, *times)) if name}
    return part


def connections_parts(brief):
    for n in (1, 50) if brief else (1, 3, 10, 30, 100, 300, 1000, 2000, 4000):
        calls = 500 if brief else max(30_000, 10 * n)
        yield n, calls_of(n, 1, calls, ("calls_per_s", "p50_us", "p99_us"))
        yield n, calls_of(n, max(1, min(UNANSWERED, ALL_UNANSWERED // n)), calls, ("pipelined_calls_per_s", None, None))
        # All but one are idle.
        yield n, calls_of(1, 1, 200 if brief else 20_000, ("one_calls_per_s", "one_p50_us", "one_p99_us"), n - 1)


def connections_panels(points):
    def x():
        return Axis("connections", ticks=[1, 10, 100, 1000, 4000])
    return [Panel("Calls over all connections", x(), Axis("calls a second", None), [
                Line("up to 64 unanswered on each", points("pipelined_calls_per_s"), 0),
                Line("one unanswered on each", points("calls_per_s"), 1),
                Line("on one, the others idle", points("one_calls_per_s"), 2)]),
            Panel("What a call takes, one unanswered on each", x(), Axis("microseconds"), [
                Line("all call: median", points("p50_us"), 1), Line("99th percentile", points("p99_us"), 1, True),
                Line("one calls: median", points("one_p50_us"), 2), Line("99th percentile", points("one_p99_us"), 2, True)])]


SWEEPS = (
    Sweep("actors", "Cost of a message and of an actor, by the number of actors", "actors",
          ["ring_ns", "limit_ring_ns", "shuffled_ns", "limit_shuffled_ns", "create_ns", "limit_create_ns", "bytes", "limit_bytes"],
          actors_parts, actors_panels),
    Sweep("mailbox", "Cost of a message, by the depth of the mailbox", "depth", ["counting_ns", "limit_ns", "grown_kib"],
          mailbox_parts, mailbox_panels),
    Sweep("size", "Cost of a message, by its size", "bytes", ["within_ns", "between_ns", "limit_ns"], size_parts, size_panels),
    Sweep("workers", "Messages and calls a second, by the number of workers", "workers",
          ["messages_per_s", "heavy_calls_per_s", "light_calls_per_s"], workers_parts, workers_panels),
    Sweep("connections", "Calls a second and their time, by the number of connections", "connections",
          ["calls_per_s", "p50_us", "p99_us", "pipelined_calls_per_s", "one_calls_per_s", "one_p50_us", "one_p99_us"],
          connections_parts, connections_panels),
)
