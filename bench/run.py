#!/usr/bin/env python3
"""Measure, and print CSV: name,params,seconds,ns_per_op,ops_per_s,cpu_s,peak_rss_kib

    run.py --build DIR [--runs 5] [--brief] [--only WORD]

Each line is the run of median duration, of --runs. A line "limit.NAME" is what the row above it
is held against: bare code that does the same work with nothing around it, run in turn with it
(ours, limit, ours, limit ...); for "pipeline" it is the same job in Python. Absolute figures of
shared machines drift; the ratios of such pairs, which stand at the end together with what else
was measured (on standard error), drift less. --brief: small amounts, one run: only to see that
each row does its work; the exit status says so.
"""
import argparse
import csv
import importlib
import importlib.util
import os
import statistics
import sys
import traceback

# What runs in one worker; between two; the control socket, troupectl, the start; pages; HTTP;
# lines; the whole job of a crawler.
MODULES = ("inside", "between", "outside", "pages", "web", "lines", "pipeline")


def all_rows(brief, only=None):
    for name in MODULES:
        if not importlib.util.find_spec(name):
            continue
        for row in importlib.import_module(name).rows(brief):
            if not only or only in row.name:
                yield row


def median_run(results):
    return sorted(results, key=lambda result: result.seconds)[len(results) // 2]


def spread(values, form):
    """The median of values, and where there are several the least and the greatest."""
    text = form.format(statistics.median(values))
    if len(values) > 1:
        text += f" ({form.format(min(values))} to {form.format(max(values))})"
    return text


def line(name, row, results):
    result = median_run(results)
    return [name, row.params, f"{result.seconds:.6f}", f"{result.seconds * 1e9 / row.ops:.1f}",
            f"{row.ops / result.seconds:.0f}", "" if result.cpu_s is None else f"{result.cpu_s:.2f}",
            "" if result.peak_rss_kib is None else result.peak_rss_kib]


def notes_of(row, ours, limits):
    if limits:
        ratios = [our.seconds / limit.seconds for our, limit in zip(ours, limits)]
        yield f"{row.name} {row.params}: {spread(ratios, '{:.2f}')} times the limit"
    for prefix, results in (("", ours), ("limit.", limits)):
        for key in results[0].notes if results else ():
            yield f"{prefix}{row.name} {row.params}: {key} {spread([result.notes[key] for result in results], '{:.1f}')}"


def measure(row, build, runs):
    ours, limits = [], []
    for _ in range(runs):
        ours.append(row.run(build))
        bare = row.limit(build) if row.limit else None
        if bare:
            limits.append(bare)
    return ours, limits


def main():
    parser = argparse.ArgumentParser(description="Measure, and print CSV.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--brief", action="store_true", help="small amounts, one run: for correctness only")
    parser.add_argument("--only", help="rows whose name holds this word")
    options = parser.parse_args()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "params", "seconds", "ns_per_op", "ops_per_s", "cpu_s", "peak_rss_kib"])
    notes, failed, measured = [], 0, 0
    for row in all_rows(options.brief, options.only):
        measured += 1
        try:
            ours, limits = measure(row, os.path.abspath(options.build), 1 if options.brief else max(1, options.runs))
        except Exception:  # whatever went wrong: the next row may be well
            print(f"{row.name} {row.params}:", traceback.format_exc(), file=sys.stderr, flush=True)
            failed += 1
            continue
        writer.writerow(line(row.name, row, ours))
        if limits:
            writer.writerow(line(f"limit.{row.name}", row, limits))
        notes.extend(notes_of(row, ours, limits))
        sys.stdout.flush()
    print(*notes, sep="\n", file=sys.stderr)
    if not measured:
        sys.exit(f"run.py: no row has {options.only!r} in its name")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
