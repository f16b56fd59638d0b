#!/usr/bin/env python3
"""Checks that a machine can make of the source: rooms and what they may include (rooms.py), sizes (sizes.py), openings and
columns of files, registered tests, what docs/security.md names, the facts and metrics of docs/operations.md, the unit's exposure,
the dashboard's pages, what watches from outside (watching.py), the RFC coverage. Exit 1 with the findings. lint_test.py tests
them."""

import itertools
import re
import shutil
import subprocess
import sys

import observed
import pages
import rfc_coverage
import rooms
import sizes
import watching
from tree import ROOT, listed

MAX_OPENING_LINES = 12
MAX_COLUMNS = 132
ATTACK_CLASSES = 48
MOST_EXPOSURE = 1.5  # of systemd's scale from 0 to 10


def check_columns(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


def check_format():
    said = re.search(r"^ColumnLimit: (\d+)", (ROOT / ".clang-format").read_text(), re.M)
    if not said or int(said[1]) != MAX_COLUMNS:
        yield f".clang-format: its ColumnLimit is not the {MAX_COLUMNS} of tests/lint/run.py"


def check_lists():
    """Lists of files in CMake name one a line, so that two changes do not meet in one."""
    for path in listed("CMakeLists.txt", "*/CMakeLists.txt"):
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            if len(re.findall(r"[\w-]+\.cc\b", line.split("#")[0])) > 1:
                yield f"{path}:{number}: several files in one line"


def check_opening(path, lines):
    """A header opens with what it is; a source may leave that to its header."""
    opening = len(list(itertools.takewhile(lambda line: line.startswith("//"), lines)))
    if opening > MAX_OPENING_LINES:
        yield f"{path}: opens with {opening} lines of comment, more than {MAX_OPENING_LINES}"
    if opening == 0 and path.suffix == ".h":
        yield f"{path}: does not say at its top what it is"


def check_registered(paths):
    for path in paths:
        if path.parts[0] == "tests" and path.name.endswith("_test.cc"):
            listing = ROOT / path.parent / "CMakeLists.txt"
            if not listing.exists() or path.name not in listing.read_text():
                yield f"{path}: no CMakeLists.txt names it"
    for story in (ROOT / "tests/e2e").iterdir():
        if story.is_dir() and story.name.startswith("t") and not (story / "story.py").exists():
            yield f"{story.relative_to(ROOT)}: has no story.py"


def check_mirrors(paths):
    """Each source has a test of its own, or its room's README says which test plays it, after "Tested elsewhere:"."""
    for room in rooms.ROOMS:
        readme = ROOT / room / "README.md"
        if not readme.exists():
            continue
        said = re.search(r"^Tested elsewhere:.*?(?=\n\n|\Z)", readme.read_text(), re.M | re.S)
        names = re.findall(r"`([^`]+)`", said[0]) if said else []
        lacking = {p.stem for p in paths if p.parts[0] == room and p.suffix == ".cc"
                   and not (ROOT / f"tests/unit/{room}/{p.stem}_test.cc").exists()}
        for name in names:
            if not ((ROOT / name).exists() if "/" in name else name in lacking):
                yield f"{room}/README.md: under \"Tested elsewhere\": {name} is not there, or has a test of its own"
        for stem in sorted(lacking - set(names)):
            yield f"{room}/{stem}.cc: has no test of its own, and {room}/README.md names none that plays it"


def check_type_names(paths):
    """Two types of one name in one folder's namespace are one type to the linker: whose size wins is chance."""
    seen = {}
    for path in paths:
        if path.suffix != ".h" or path.stem.endswith("_impl") or path.parts[0] == "tests":
            continue
        for name in re.findall(r"^(?:struct|class|enum class) (\w+)[^;{]*\{", (ROOT / path).read_text(), re.M):
            other = seen.setdefault((path.parts[0], name), path)
            if other != path:
                yield f"{path}: {other} has a type {name} too"


def check_security_page(paths):
    """A file or a test that docs/security.md names is there, and no class of attack is left out."""
    tests = {f"{suite}.{name}" for path in paths if path.parts[0] == "tests"
             for suite, name in re.findall(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", (ROOT / path).read_text(), re.M)}
    page = (ROOT / "docs/security.md").read_text()
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", page, re.M)]
    if numbers != list(range(1, ATTACK_CLASSES + 1)):
        yield f"docs/security.md: the classes are {numbers}, not 1 to {ATTACK_CLASSES}"
    for name in re.findall(r"`([^`]+)`", page):
        is_test = re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", name)
        is_path = "/" in name and re.fullmatch(r"[\w./]+", name)
        if (is_test and name not in tests) or (is_path and not (ROOT / name).exists()):
            yield f"docs/security.md: there is no {name}"


def check_unit():
    """What the service may do, as systemd rates it; where systemd is not installed the unit goes unrated."""
    if not shutil.which("systemd-analyze"):
        return
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "conf/postern.service"], cwd=ROOT,
                          capture_output=True, text=True)
    found = re.search(r"Overall exposure level for postern\.service: ([0-9.]+)", done.stdout)
    if not found:
        yield f"conf/postern.service: systemd-analyze rates nothing: {done.stderr.strip()}"
    elif float(found[1]) > MOST_EXPOSURE:
        yield (f"conf/postern.service: exposure {found[1]}, more than {MOST_EXPOSURE}: "
               "systemd-analyze security --offline=true says why")


def main():
    findings = []
    paths = listed("*.h", "*.cc")
    for path in paths:
        text = (ROOT / path).read_text()
        findings += rooms.check_file(path, text)
        findings += sizes.check_file(path, text.splitlines())
        findings += check_opening(path, text.splitlines())
        findings += check_columns(path, text.splitlines())
    for path in listed("*.py"):
        findings += check_columns(path, (ROOT / path).read_text().splitlines())
    findings += rooms.check_libraries(paths)
    findings += rooms.check_listing()
    findings += sizes.check_rooms(paths)
    findings += check_format()
    findings += check_lists()
    findings += check_registered(paths)
    findings += check_mirrors(paths)
    findings += check_type_names(paths)
    findings += check_security_page(paths)
    findings += check_unit()
    findings += observed.lint()
    findings += pages.lint()
    findings += rfc_coverage.lint()
    findings += watching.lint()
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
