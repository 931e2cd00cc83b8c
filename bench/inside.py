"""Rows within one worker: the plug-in of bench/plugin measures them from inside, bench/limit.c
is what they are held against.

Amounts are such that a run takes a tenth of a second or more. Every row is checked by what the
actors say they got, and by what the daemon counted: no message lost, nobody left behind.
"""
import os

from row import Result, Row, expect, daemon, program, watched
from varlink import wait_for

CONTROL = "io.troupe.Control"
SLICE = 1000  # actors made in one turn of who makes them


def ask(build, actor_type, method, parameters, messages, first=None, keys={}):
    """One call of the unit "bench", in a worker of its own: the reply, and what the worker used
    meanwhile. When it is over, the daemon must have counted at least so many messages, and
    nobody but the boss may be left. first: a unit that is to be the first of the measured
    actors, for what only a unit can have, such as a mailbox of another size. keys: of
    "bench"."""
    plugin = os.path.join(build, "bench-plugins", "bench.so")
    units = {"bench": {"Plugin": plugin, "Type": actor_type, **keys}}
    if first:
        units["first"] = {"Plugin": plugin, **first}
    with daemon(build, units, {"Workers": 1}) as host:
        before = host.worker(1)
        with host.client(120) as client, watched(before["pid"]) as used:
            reply = client.call(f"{CONTROL}.Call", {"name": "bench", "method": f"io.troupe.bench.{method}",
                                                    "parameters": parameters, "timeoutMs": 120_000})["parameters"]
        # What a worker counts reaches its page at its next look at the loop.
        wait_for(lambda: host.worker(1)["messages"] - before["messages"] >= messages and host.worker(1)["actors"] == 1, 10,
                 f"{messages} messages to be counted, and all actors but the boss to be gone")
        expect("number of dead letters", host.worker(1)["deadLetters"], 0)
    return reply, used


def result(reply, used, **notes):
    return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib, notes)


def limit(program_name, *arguments, ops):
    def run(build):
        output, cpu = program(os.path.join(build, program_name), *map(str, arguments))
        fields = output.strip().split(",")
        expect("what the limit did", int(fields[4]), ops)
        notes = {"bytes_per_actor": float(fields[5])} if fields[1] == "idle" else {}
        return Result(float(fields[3]), cpu, int(fields[6]), notes)
    return run


def bare(*arguments, ops):
    return limit("bench-limit", *arguments, ops=ops)


def run_row(name, params, ops, what, actors, amount, count, against, notes=lambda reply, used: {}, first=None):
    """`count`: messages that the players must have got in the end."""
    def run(build):
        reply, used = ask(build, "boss", "Run", {"what": what, "actors": actors, "amount": amount}, count, first)
        expect(f"number of messages in {name}", reply["count"], count)
        return result(reply, used, **notes(reply, used))
    return Row(name, str(params), ops, run, against)


def pingpong(messages):
    return run_row("pingpong", messages, messages, "pingpong", 2, messages, messages,
                   bare("pingpong", messages // 2, ops=messages))


def ring(actors, hops):
    return run_row("ring", f"{actors}:{hops}", hops, "ring", actors, hops, hops, bare("ring", actors, hops, ops=hops))


def ring_shuffled(actors, hops):
    return run_row("ring-shuffled", f"{actors}:{hops}", hops, "shuffled", actors, hops, hops,
                   bare("ringx", actors, hops, ops=hops))


def flow(name, params, what, producers, messages, against, first=None):
    return run_row(name, params, messages, what, producers + 1, messages, messages, against,
                   lambda reply, used: {"grown_kib": used.grown_kib}, first)


def counting(messages, depth=None):
    """depth: of the mailbox; None: the default, 1,024. The bare one is filled as far."""
    params, first = messages, None
    if depth:
        params = f"{messages}:{depth}"
        first = {"Type": "consumer", "Mailbox": depth, "MailboxBytes": "1G"}
    return flow("counting", params, "counting", 1, messages, bare("counting", messages, depth or 1024, ops=messages), first)


def fanin(producers, messages):
    return flow("fanin", f"{producers}:{messages}", "counting", producers, messages,
                bare("fanin", producers, messages, ops=messages))


def strings(messages):
    return flow("strings", messages, "strings", 1, messages,
                limit("bench-limit-letters", "counting", messages, 1024, ops=messages))


def big(actors, pings):
    ops = 2 * actors * pings
    return run_row("big", f"{actors}:{pings}", ops, "big", actors, pings, ops, bare("big", actors, pings, ops=ops))


def call(calls, kind="call"):
    """kind: "served": in a task that does not wait; "await": by a task that waits."""
    # Of a call, the least is two messages; the fields of one fit in the 64 bytes of each.
    return run_row(kind, calls, calls, kind, 2, calls, calls, bare("pingpong", calls, ops=2 * calls))


def served(calls):
    return call(calls, "served")


def awaited(calls):
    return call(calls, "await")


def broadcast(listeners, times):
    ops = listeners * times
    return run_row("broadcast", f"{listeners}:{times}", ops, "broadcast", listeners + 1, times, ops,
                   bare("broadcast", listeners, times, ops=ops))


def idle(actors):
    return run_row("idle", actors, actors, "idle", actors, 1, actors, bare("idle", actors, ops=actors),
                   lambda reply, used: {"bytes_per_actor": reply["bytesPerActor"]})


def create(actors, slice_=SLICE):
    def run(build):
        # each of them gets one, and the last of each slice sends one
        return result(*ask(build, "creator", "Create", {"actors": actors, "slice": slice_}, actors + -(-actors // slice_)))
    return Row("create", f"{actors}:{slice_}", actors, run, bare("create", actors, slice_, ops=actors))


def timers(actors, longest_ms):
    def run(build):
        # Five hundred wake up in a millisecond, so that after a pause of the machine thousands
        # tell at once.
        reply, used = ask(build, "waker", "Sleep", {"actors": actors, "slice": SLICE, "longestMs": longest_ms}, actors,
                          keys={"Mailbox": actors, "MailboxBytes": "1G", "Batch": actors})
        expect("number of sleepers awake", reply["count"], actors)
        expect("whether they slept", reply["seconds"] > longest_ms / 1000 * 0.9, True)
        return result(reply, used)
    return Row("timers", f"{actors}:{longest_ms}", actors, run,
               limit("bench-limit-timers", actors, longest_ms, ops=actors))


def tasks(what, tasks_, amount, ops):
    def run(build):
        reply, used = ask(build, "taskmaster", "Tasks", {"what": what, "tasks": tasks_, "amount": amount}, 1,
                          keys={"Tasks": 100_000})
        expect(f"what tasks counted in {what}", reply["count"], ops)
        return result(reply, used, bytes_per_task=reply["bytesPerTask"])
    return Row(f"task-{what}", f"{tasks_}:{amount}", ops, run)


def rows(brief):
    scale = 100 if brief else 1
    messages, actors = 10_000_000 // scale, 1_000_000 // scale
    yield pingpong(messages)
    for n in (1000, 100_000):
        yield ring(n, messages)
        yield ring_shuffled(n, messages)
    yield counting(messages)
    yield fanin(1000, messages)
    yield big(120, 40_000 // scale)
    yield big(1000, 5000 // scale)
    yield create(actors)
    yield create(actors, actors)
    yield idle(actors)
    for of_calls in (call, served, awaited):
        yield of_calls(3_000_000 // scale)
    yield strings(3_000_000 // scale)
    yield broadcast(1000, 10_000 // scale)
    yield timers(actors, 200 if brief else 2000)
    yield tasks("step", 10, 1_000_000 // scale, 10_000_000 // scale)
    yield tasks("life", 10, 200_000 // scale, 2_000_000 // scale)
    yield tasks("wait", 99_999 // scale, 1, 99_999 // scale)
    yield tasks("job", 1, 50_000 // scale, 50_000 // scale)
    yield tasks("job", 64, 20_000 // scale, 1_280_000 // scale)
    yield tasks("file", 1, 200_000 // scale, 200_000 // scale)
