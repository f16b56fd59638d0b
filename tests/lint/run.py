#!/usr/bin/env python3
"""Checks that a machine can make of the source: include direction, sizes, openings and columns of files, length of functions,
registered tests, what docs/security.md names, the facts and metrics of docs/operations.md, the unit's exposure, the RFC coverage.
Exit 1 with the findings."""

import itertools
import pathlib
import re
import shutil
import subprocess
import sys

import observed
import rfc_coverage

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folder → folders of ours it may include (docs/architecture.md).
ALLOWED = {
    "core": set(),
    "net": {"core"},
    "dns": {"core", "net"},
    "store": {"core"},
    "sandbox": {"core"},
    "auth": {"core", "store"},
    "smtp": {"core"},
    "http": {"core", "net"},
    "mime": {"core"},
    "domains": {"core", "store", "dns", "mime"},
    "relay": {"core", "net", "dns", "smtp", "store", "sandbox", "domains", "mime"},
    "submission": {"core", "net", "smtp", "store", "auth", "sandbox", "domains", "mime", "relay"},
    "events": {"core", "net", "dns", "store", "auth"},
    "api": {"core", "net", "dns", "store", "auth", "sandbox", "mime", "domains", "smtp", "relay", "submission", "events", "http"},
}
SMTP_SHELL = {"connection", "server", "client_connection", "submission_handler"}
FORBIDDEN_IN_PROTOCOL = re.compile(r"boost/asio|core/log\.h|core/clock\.h|core/random\.h|spdlog|openssl|lmdb")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
MAX_OPENING_LINES = 12
MAX_COLUMNS = 132
ATTACK_CLASSES = 48
MOST_EXPOSURE = 2.0  # of systemd's scale from 0 to 10


def listed(*patterns):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    return [pathlib.PurePath(n) for n in names if (ROOT / n).exists()]


def check_includes(path, text):
    folder = path.parts[0]
    if folder not in ALLOWED:
        return
    is_shell = folder == "smtp" and path.stem in SMTP_SHELL
    allowed = ALLOWED[folder] | {folder} | ({"net"} if is_shell else set())
    for included in re.findall(r'#include "([a-z_]+)/', text):
        if included not in allowed:
            yield f"{path}: {folder}/ may not include {included}/"
    # trace_header formats an instant it is given; it asks no clock.
    if folder == "smtp" and not is_shell and path.stem != "trace_header":
        found = FORBIDDEN_IN_PROTOCOL.search("\n".join(l for l in text.splitlines() if l.startswith("#include")))
        if found:
            yield f"{path}: the protocol core may not include {found.group(0)}"


def check_sizes(path, lines):
    if len(lines) > MAX_FILE_LINES:
        yield f"{path}: {len(lines)} lines, more than {MAX_FILE_LINES}"
    begin = 0
    for number, line in enumerate(lines, 1):
        # A body is indented: before its closing brace the last line at the margin is where its signature begins.
        if line == "}" and begin and number - begin >= MAX_FUNCTION_LINES:
            yield f"{path}:{begin}: a function of {number - begin + 1} lines, more than {MAX_FUNCTION_LINES}"
        if line and line[0] not in " }#/":
            begin = number


def check_columns(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


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
        findings += check_includes(path, text)
        findings += check_sizes(path, text.splitlines())
        findings += check_opening(path, text.splitlines())
        findings += check_columns(path, text.splitlines())
    for path in listed("*.py"):
        findings += check_columns(path, (ROOT / path).read_text().splitlines())
    findings += check_lists()
    findings += check_registered(paths)
    findings += check_type_names(paths)
    findings += check_security_page(paths)
    findings += check_unit()
    findings += observed.lint()
    findings += rfc_coverage.lint()
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
