"""Rows within one worker: the plug-in of bench/plugin measures them from inside, bench/limit.c is what they are held against."""
import os

from row import Result, Row, Wrong, daemon, program, watched


def ask(build, method, parameters):
    """One call of the plug-in's boss, in a worker of its own."""
    plugin = os.path.join(build, "bench-plugins", "bench.so")
    with daemon(build, {"bench": f"[Actor]\nPlugin={plugin}\nType=boss\n"}, {"Workers": 1}) as host:
        with host.client(600) as client, watched(host.workers()[0]["pid"]) as used:
            reply = client.call("io.troupe.Control.Call", {"name": "bench", "method": f"io.troupe.bench.{method}",
                                                           "parameters": parameters, "timeoutMs": 600_000})["parameters"]
    return reply, used


def limit(*arguments):
    def run(build):
        output, cpu = program(os.path.join(build, "bench-limit"), *map(str, arguments))
        fields = output.split(",")
        if fields[0] != "RESULT" or fields[1] != str(arguments[0]):
            raise Wrong(f"bench-limit said {output!r}")
        return Result(float(fields[3]), cpu, None, {"bytes_per_actor": float(fields[5])} if float(fields[5]) else {})
    return run


def row(name, params, ops, method, parameters, bare):
    def run(build):
        reply, used = ask(build, method, parameters)
        notes = {"bytes_per_actor": reply["bytesPerActor"]} if "bytesPerActor" in reply else {}
        return Result(reply["seconds"], used.cpu_s, used.peak_rss_kib, notes)
    return Row(name, str(params), ops, run, bare)


def rows(brief):
    scale = 100 if brief else 1
    messages = 10_000_000 // scale
    yield row("pingpong", messages, messages, "Pingpong", {"messages": messages}, limit("pingpong", messages // 2))
    for actors in (1000, 100_000):
        for shuffled in (False, True):
            yield row("ring-shuffled" if shuffled else "ring", f"{actors}:{messages}", messages, "Ring",
                      {"actors": actors, "hops": messages, "shuffled": shuffled},
                      limit("ringx" if shuffled else "ring", actors, messages))
    calls = 3_000_000 // scale
    yield row("call", calls, calls, "Calls", {"calls": calls}, None)
    actors = 1_000_000 // scale
    yield row("idle", actors, actors, "Idle", {"actors": actors}, limit("idle", actors))
