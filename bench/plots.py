#!/usr/bin/env python3
"""Show how cost grows: measure each sweep, write its figures to NAME.csv and draw NAME.svg.

    plots.py --build DIR [--output docs/plots] [--only WORD] [--runs 3] [--brief | --draw]

A sweep goes through the sizes of one thing; sweeps.py says what is measured at each, and what
is drawn. A figure is the median of --runs; what is held against a bare limit is run in turn
with it. What fails is told on standard error and left out. --brief: few points and small
amounts, nothing is kept: only to see that each sweep does its work; the exit status says so.
--draw: from the figures of last time.
"""
import argparse
import csv
import os
import statistics
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree

import chart
from sweeps import SWEEPS

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(os.path.dirname(HERE), "docs", "plots")


def measure(sweep, build, runs, brief):
    """The table, by x and column; and how many of the measurements failed."""
    table, failed = {}, 0
    for x, part in sweep.parts(brief):
        row = table.setdefault(x, {})
        try:
            results = [part(build) for _ in range(runs)]
        except Exception:  # whatever went wrong: the next one may be well
            print(f"{sweep.name} at {x}:", traceback.format_exc(), file=sys.stderr, flush=True)
            failed += 1
            continue
        for column in results[0]:
            row[column] = statistics.median(result[column] for result in results)
    return table, failed


def write_csv(sweep, table, path):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([sweep.x, *sweep.columns])
        for x in sorted(table):
            writer.writerow([x, *("" if table[x].get(column) is None else f"{table[x][column]:.4g}" for column in sweep.columns)])


def read_csv(sweep, path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row[sweep.x]): {column: float(row[column]) for column in sweep.columns if row.get(column)} for row in rows}


def draw(sweep, table, path):
    def points(column):
        return [(x, table[x].get(column)) for x in sorted(table)]
    text = "\n".join(chart.svg(sweep.title, sweep.panels(points))) + "\n"
    xml.etree.ElementTree.fromstring(text)
    with open(path, "w") as file:
        file.write(text)


def run(sweep, options):
    """How many of its measurements failed."""
    figures, drawing = (os.path.join(options.output, f"{sweep.name}.{end}") for end in ("csv", "svg"))
    began, failed = time.monotonic(), 0
    if not options.draw:
        table, failed = measure(sweep, os.path.abspath(options.build), options.runs, options.brief)
        if not any(table.values()):
            return failed
        write_csv(sweep, table, figures)
    draw(sweep, read_csv(sweep, figures), drawing)
    told = f"{time.monotonic() - began:.0f} s" + (f", {failed} failed" if failed else "")
    print(f"{sweep.name}: {told if options.brief else f'{drawing}, {told}'}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description="Show how cost grows.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--output", default=OUTPUT, help="where figures and drawings go")
    parser.add_argument("--only", default="", help="sweeps whose name holds this word")
    parser.add_argument("--runs", type=int, default=3)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--brief", action="store_true", help="small amounts, nothing is kept: for correctness only")
    what.add_argument("--draw", action="store_true", help="measure nothing, draw anew")
    options = parser.parse_args()
    chosen = [sweep for sweep in SWEEPS if options.only in sweep.name]
    if not chosen:
        sys.exit(f"plots.py: no sweep has {options.only!r} in its name")
    options.runs = 1 if options.brief else max(1, options.runs)
    with tempfile.TemporaryDirectory(prefix="troupe-plots-") as scratch:
        if options.brief:
            options.output = scratch
        os.makedirs(options.output, exist_ok=True)
        failed = sum(run(sweep, options) for sweep in chosen)
    if failed:
        sys.exit(f"plots.py: {failed} measurements failed")


if __name__ == "__main__":
    main()
