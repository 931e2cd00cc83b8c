#!/usr/bin/env python3
"""Print how much of each folder's product code the tests ran.

    report.py --build DIR [--lines WORD]...

DIR is a build with COVERAGE=1 whose tests have run. A line for each folder; with --lines the
lines that did not run too, of files whose path holds WORD.
"""
import argparse
import collections
import glob
import json
import os
import subprocess

PRODUCT = ("daemon", "proto", "ctl", "include")


def read_counts(build):
    """How often each line of each file of the product ran, by what was compiled of it."""
    files = collections.defaultdict(collections.Counter)
    for folder in PRODUCT:
        notes = glob.glob(f"{build}/{folder}/**/*.gcno", recursive=True)
        if not notes:
            continue
        output = subprocess.run(["gcov", "--json-format", "--stdout", *notes], check=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout
        for document in output.splitlines():
            if not document.startswith(b"{"):
                continue
            for file in json.loads(document)["files"]:
                if file["file"].startswith(PRODUCT):
                    for line in file["lines"]:
                        files[file["file"]][line["line_number"]] += line["count"]
    return files


def ranges(lines):
    """[1, 2, 3, 5] as "1-3 5"."""
    parts = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--lines", action="append", default=[])
    options = parser.parse_args()
    files = read_counts(options.build)
    folders = collections.defaultdict(lambda: [0, 0])
    for name, lines in sorted(files.items()):
        ran = sum(count > 0 for count in lines.values())
        for key in (os.path.dirname(name), "all"):
            folders[key][0] += ran
            folders[key][1] += len(lines)
        if any(word in name for word in options.lines):
            print(f"{name}: {ran} of {len(lines)}; not run: {ranges(sorted(n for n in lines if not lines[n]))}")
    for name, (ran, lines) in sorted(folders.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:20} {100 * ran / lines:5.1f} %  {ran:5} of {lines:5} lines")


if __name__ == "__main__":
    main()
