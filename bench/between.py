"""Rows between two workers: the plug-in of bench/pair measures them from inside."""
import os

from row import Result, Row, Wrong, daemon, program, watched

# What a batch of the bridge holds (BRIDGE_BATCH): frames of bare nanomsg are as long.
FRAME = 64 << 10
BALL = 64  # bytes: eight numbers
CHUNK = 1 << 20
# Messages under way. A send that finds the mailbox behind the link full is a dead letter, so a
# sender in another worker has to know how far the receiver is; this is what a plug-in would
# choose whose messages are small or large.
WINDOW, WINDOW_LARGE = 32768, 16


def ask(build, method, parameters, mailbox):
    """One call of the leader in worker 1, about a follower in worker 2."""
    plugin = os.path.join(build, "bench-plugins", "pair.so")
    actors = {"leader": f"[Actor]\nPlugin={plugin}:leader\nWorker=1\n",
              "follower": f"[Actor]\nPlugin={plugin}:follower\nWorker=2\nMailbox={mailbox}\nMailboxBytes=256M\n"}
    with daemon(build, actors, {"Workers": 2}) as host:
        host.wait_workers(2)
        for name in actors:
            host.wait_unit(name, "running")
        with host.client(600) as client, watched(*(worker["pid"] for worker in host.workers())) as used:
            reply = client.call("io.troupe.Control.Call", {"name": "leader", "method": f"io.troupe.pair.{method}",
                                                           "parameters": {"peer": "follower", **parameters},
                                                           "timeoutMs": 600_000})["parameters"]
    return reply, used


def limit(command, name, *arguments):
    """A bare program: its time, and what else it prints by these names."""
    def run(build):
        output, cpu = program(os.path.join(build, command), *map(str, arguments))
        fields = output.strip().split(",")
        if fields[:2] != ["RESULT", name]:
            raise Wrong(f"{command} said {output!r}")
        return Result(float(fields[2]), cpu, None, dict(zip(("p50_us", "p99_us", "p999_us"), map(float, fields[3:]))))
    return run


def xpingpong(rounds):
    """A round trip, sends both ways. Limit: bare nanomsg, its receiver waiting for a descriptor
    as a loop must."""
    p50 = []  # of our last run: the limit is run in turn with it

    def run(build):
        reply, used = ask(build, "Pingpong", {"rounds": rounds}, 1024)
        p50[:] = [reply["p50Us"]]
        return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib,
                      {"p50_us": reply["p50Us"], "p99_us": reply["p99Us"], "p999_us": reply["p999Us"]})

    epoll = limit("bench-limit-nanomsg", "pingpong", "pingpong", rounds, BALL, "epoll")
    block = limit("bench-limit-nanomsg", "pingpong", "pingpong", rounds, BALL, "block")

    def bare(build):
        result = epoll(build)
        result.notes["p50_ours_percent_of_limit"] = 100 * p50[0] / result.notes["p50_us"]
        result.notes["blocking_p50_us"] = block(build).notes["p50_us"]
        return result
    return Row("xpingpong", str(rounds), rounds, run, bare)


def xoneway(messages):
    """Limit: bare nanomsg, frames as long as a batch of the bridge, each message in them
    written and read by itself."""
    def run(build):
        reply, used = ask(build, "Oneway", {"messages": messages, "window": WINDOW}, WINDOW + 16)
        return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib, {"refusals": reply["refusals"]})
    return Row("xoneway", f"{messages}:{BALL}", messages, run,
               limit("bench-limit-nanomsg", "oneway", "oneway", messages, BALL, FRAME))


def xlarge(messages, size=CHUNK, window=WINDOW_LARGE):
    """Limit: a copy into shared memory by one process, a copy out of it by the other, both at
    once, as many under way. With less a receiver would have to trust its peer not to change
    what it has checked."""
    def gigabytes(seconds):
        return messages * size / seconds / 1e9

    def run(build):
        reply, used = ask(build, "Large", {"messages": messages, "bytes": size, "window": window}, window + 16)
        return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib,
                      {"gb_per_s": gigabytes(reply["seconds"]), "refusals": reply["refusals"]})

    copy = limit("bench-limit-copy", "copy", messages, size, window)
    nanomsg = limit("bench-limit-nanomsg", "oneway", "oneway", messages, size, max(size, FRAME))

    def bare(build):
        result = copy(build)
        result.notes = {"gb_per_s": gigabytes(result.seconds), "nanomsg_gb_per_s": gigabytes(nanomsg(build).seconds)}
        return result
    return Row("xlarge", f"{messages}:{size}", messages, run, bare)


def rows(brief):
    yield xpingpong(1000 if brief else 50_000)
    yield xoneway(100_000 if brief else 20_000_000)
    yield xlarge(50 if brief else 5000)
