#!/usr/bin/env python3
"""Measure the message path in an unmodified release worker, and print CSV.

    run.py --build DIR [--runs 5] [--brief] [--only NAME]

name,params,seconds,ns_per_op,ops_per_s,cpu_s,peak_rss_kib: the median of the runs by seconds, each in a
daemon of its own. A row "limit.NAME" is the bare loop of bench/limit.c, run in turn with the row above it; absolute figures of
shared machines drift, so compare within one run. --brief: small amounts, one run: to see that it works.
"""
import argparse
import csv
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Measure:
    def __init__(self, name, params, method, parameters, ops):
        self.name, self.params, self.method, self.parameters, self.ops = name, params, method, parameters, ops


def measures(brief):
    scale = 100 if brief else 1
    messages = 10_000_000 // scale
    yield Measure("pingpong", f"{messages}", "Pingpong", {"messages": messages}, messages)
    for actors in (1000, 100_000):
        hops = messages
        yield Measure("ring", f"{actors}:{hops}", "Ring", {"actors": actors, "hops": hops, "shuffled": False}, hops)
        yield Measure("ring-shuffled", f"{actors}:{hops}", "Ring", {"actors": actors, "hops": hops, "shuffled": True}, hops)
    calls = 3_000_000 // scale
    yield Measure("call", f"{calls}", "Calls", {"calls": calls}, calls)
    actors = 1_000_000 // scale
    yield Measure("idle", f"{actors}", "Idle", {"actors": actors}, actors)


def usage(pid):
    """Processor seconds and peak resident KiB of a process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    with open(f"/proc/{pid}/status") as file:
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    return ticks / os.sysconf("SC_CLK_TCK"), peak


def run_ours(measure, build):
    from host import Daemon
    plugin = os.path.join(build, "bench-plugins", "bench.so")
    with Daemon({"bench": f"[Actor]\nPlugin={plugin}\nType=boss\n"}, daemon={"Workers": 1}) as daemon:
        pid = daemon.workers()[0]["pid"]
        before, _ = usage(pid)
        with daemon.client(600) as client:
            reply = client.call("io.troupe.Control.Call", {"name": "bench", "method": f"io.troupe.bench.{measure.method}",
                                                           "parameters": measure.parameters, "timeoutMs": 600_000})
        after, peak = usage(pid)
    return reply["parameters"], after - before, peak


def run_limit(limit, measure):
    arguments = {"pingpong": lambda: ["pingpong", str(measure.ops // 2)],
                 "ring": lambda: ["ring", *measure.params.split(":")],
                 "ring-shuffled": lambda: ["ringx", *measure.params.split(":")],
                 "idle": lambda: ["idle", measure.params]}.get(measure.name)
    if not arguments:
        return None
    output = subprocess.run([limit, *arguments()], check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(output.split(",")[3]), float(output.split(",")[5])


def main():
    parser = argparse.ArgumentParser(description="Measure the message path.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--brief", action="store_true", help="small amounts, one run")
    parser.add_argument("--only", help="rows whose name holds this word")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    os.environ["TROUPE_BUILD"] = build
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "system"))
    limit = os.path.join(build, "bench-limit")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "params", "seconds", "ns_per_op", "ops_per_s", "cpu_s", "peak_rss_kib"])
    notes = []
    for measure in measures(options.brief):
        if options.only and options.only not in measure.name:
            continue
        ours, limits = [], []
        for _ in range(1 if options.brief else options.runs):
            ours.append(run_ours(measure, build))
            limits.append(run_limit(limit, measure))
        ours.sort(key=lambda run: run[0]["seconds"])
        reply, cpu, peak = ours[len(ours) // 2]
        seconds = reply["seconds"]
        writer.writerow([measure.name, measure.params, f"{seconds:.6f}", f"{seconds * 1e9 / measure.ops:.1f}",
                         f"{measure.ops / seconds:.0f}", f"{cpu:.2f}", peak])
        if limits[0]:
            bare = statistics.median(run[0] for run in limits)
            writer.writerow([f"limit.{measure.name}", measure.params, f"{bare:.6f}", f"{bare * 1e9 / measure.ops:.1f}",
                             f"{measure.ops / bare:.0f}", "", ""])
            notes.append(f"{measure.name} {measure.params}: {seconds / bare:.2f} times the bare limit")
        if "bytesPerActor" in reply:
            notes.append(f"{measure.name} {measure.params}: {reply['bytesPerActor']:.0f} bytes an actor"
                         + (f", bare limit {limits[0][1]:.0f}" if limits[0] else ""))
        sys.stdout.flush()
    print(*notes, sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
