#!/usr/bin/env python3
"""Sizes of functions, files and rooms: bounds for the lint, and as a table: tests/lint/sizes.py"""

import statistics

import rooms
from tree import ROOT, listed

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
# Of the product's lines. A room that grows beyond it holds more than one household.
MAX_ROOM_SHARE = 0.16


def functions(lines):
    """(line, length) of every body whose closing brace stands at the margin."""
    begin = 0
    for number, line in enumerate(lines, 1):
        # A body is indented: before its closing brace the last line at the margin is where its signature begins.
        if line == "}" and begin:
            yield begin, number - begin + 1
        if line and line[0] not in " }#/":
            begin = number


def check_file(path, lines):
    if len(lines) > MAX_FILE_LINES:
        yield f"{path}: {len(lines)} lines, more than {MAX_FILE_LINES}"
    for begin, length in functions(lines):
        if length > MAX_FUNCTION_LINES:
            yield f"{path}:{begin}: a function of {length} lines, more than {MAX_FUNCTION_LINES}"


def lines_of_rooms(paths):
    lines = dict.fromkeys(rooms.ROOMS, 0)
    for path in paths:
        if path.parts[0] in lines:
            lines[path.parts[0]] += len((ROOT / path).read_text().splitlines())
    return lines


def check_rooms(paths):
    lines = lines_of_rooms(paths)
    whole = sum(lines.values())
    for room, count in lines.items():
        if count > MAX_ROOM_SHARE * whole:
            yield f"{room}/: {count} lines of {whole}, more than {MAX_ROOM_SHARE:.0%}"


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main():
    paths = [p for p in listed("*.h", "*.cc") if p.parts[0] in rooms.ROOMS]
    lengths, files = [], []
    for path in paths:
        lines = (ROOT / path).read_text().splitlines()
        files.append(len(lines))
        lengths += [length for _, length in functions(lines)]
    for name, values in (("functions", lengths), ("files", files)):
        print(f"{len(values):6} {name}: median {statistics.median(values):.0f}, p95 {percentile(values, 0.95)}, "
              f"longest {max(values)} lines")
    lines = lines_of_rooms(paths)
    whole = sum(lines.values())
    print(f"{whole:6} lines")
    for room, count in sorted(lines.items(), key=lambda item: -item[1]):
        print(f"{count:6} {count / whole:5.1%} {room}/")


if __name__ == "__main__":
    main()
