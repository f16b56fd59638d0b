#!/usr/bin/env python3
"""docs/rfc-coverage.md: each requirement of the RFCs that Postern follows, with the code that meets it and the test that holds it
there, or the reason against.

Made from docs/rfc-requirements.txt (written by hand) and the citations "RFC nnnn §x.y" in code and tests; the PROXY protocol,
which is no RFC, counts as one ("PROXY §x.y"). An unknown section, a
file, name or test that is not there and a requirement without an answer are mistakes; tests/lint/run.py asks for them.

  rfc_coverage.py           reports mistakes, and a page that is not up to date
  rfc_coverage.py --write   writes the page
  rfc_coverage.py --lines   prints every requirement with the lines of code that it stands on today"""

import collections
import pathlib
import re
import subprocess
import sys

import rooms
from tree import ROOT

PAGE = ROOT / "docs/rfc-coverage.md"
REQUIREMENTS = ROOT / "docs/rfc-requirements.txt"
SECTIONS = ROOT / "docs/rfc-sections.txt"
CODE_FOLDERS = {*rooms.ROOMS, "tests", "conf"}
CODE_SUFFIXES = {".h", ".cc", ".py", ".dialog"}
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT"}
SIDES = {"server", "client", "both"}
CITATION = re.compile(r"(?:RFC (?=\d)|(?=PROXY §))(\d{3,5}|PROXY)((?:(?:,| and| to)? ?(?:§|appendix )[\dA-G](?:[\d.]*\d)?)+)")
SECTION = re.compile(r"(?:§|appendix )([\dA-G](?:[\d.]*\d)?)")

Requirement = collections.namedtuple("Requirement", "line rfc section level side text code tests reason")


def tracked_files():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split("\n")
    paths = [pathlib.PurePath(n) for n in names if n]
    return [p for p in paths if p.suffix in CODE_SUFFIXES and p.parts[0] in CODE_FOLDERS and (ROOT / p).exists()]


def name_of(rfc):
    return f"RFC {rfc}" if rfc.isdigit() else rfc


def read_sections():
    """{rfc: title}, {rfc: [section]}"""
    titles, sections = {}, {}
    for line in SECTIONS.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        rfc, title, numbers = (part.strip() for part in line.split(":", 2))
        titles[rfc], sections[rfc] = title, []
        for number in numbers.split():
            first, _, last = number.partition("-")
            prefix, _, begin = first.rpartition(".")
            for n in range(int(begin), int(last) + 1) if last else [begin]:
                sections[rfc].append(f"{prefix}.{n}" if prefix else str(n))
    return titles, sections


def split_list(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def read_requirements(mistakes):
    requirements = []
    rfc = None
    for number, line in enumerate(REQUIREMENTS.read_text().splitlines(), 1):
        where = f"{REQUIREMENTS.relative_to(ROOT)}:{number}"
        if not line or line.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\d+|PROXY)\]", line):
            rfc = heading.group(1)
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) not in (6, 7) or rfc is None:
            mistakes.append(f"{where}: wants section | level | side | text | code | tests [| reason] below a [rfc]")
            continue
        section, level, side, text, code, tests = parts[:6]
        requirements.append(Requirement(where, rfc, section, level, side, text, split_list(code), split_list(tests),
                                        parts[6] if len(parts) == 7 else ""))
    return requirements


def read_citations(paths):
    """{(rfc, section): {path}} and the (path, line, rfc, section) of each."""
    all_of_them = []
    for path in paths:
        for number, line in enumerate((ROOT / path).read_text(errors="replace").splitlines(), 1):
            for rfc, numbers in CITATION.findall(line):
                all_of_them += [(path, number, rfc, section) for section in SECTION.findall(numbers)]
    return all_of_them


def test_names(paths):
    names = set()
    for path in paths:
        if path.parts[0] == "tests":
            names |= {f"{s}.{n}" for s, n in re.findall(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", (ROOT / path).read_text(), re.M)}
    return names


def line_of(reference):
    """ "path" or "path:name" → (path, number of the line that defines the name or else names it first; 0: the whole file)."""
    path, _, name = reference.partition(":")
    if not name:
        return path, 0
    lines = list(enumerate((ROOT / path).read_text().splitlines(), 1))
    for pattern in (rf"\S.*(?<!\w){re.escape(name)}\(", rf".*(?<!\w){re.escape(name)}(?!\w)"):
        for number, line in lines:
            if re.match(pattern, line):
                return path, number
    return path, None


def check(requirements, citations, sections, tests):
    for r in requirements:
        if r.rfc not in sections or r.section not in sections[r.rfc]:
            yield f"{r.line}: {name_of(r.rfc)} has no section {r.section}"
        if r.level not in LEVELS or r.side not in SIDES:
            yield f"{r.line}: level {r.level}, side {r.side}"
        if not r.reason and not (r.code and r.tests):
            yield f"{r.line}: neither code and test nor a reason"
        for reference in r.code:
            if not (ROOT / reference.partition(":")[0]).is_file():
                yield f"{r.line}: there is no {reference.partition(':')[0]}"
            elif line_of(reference)[1] is None:
                yield f"{r.line}: {reference.replace(':', ' does not name ', 1)}"
        for test in r.tests:
            if not (test in tests or ("/" in test and (ROOT / test).exists())):
                yield f"{r.line}: there is no test {test}"
    for path, number, rfc, section in citations:
        if rfc in sections and section not in sections[rfc]:
            yield f"{path}:{number}: {name_of(rfc)} has no section {section}"


def cell(words):
    return "<br>".join(f"`{word}`" for word in words)


def order(sections, section):
    return sections.index(section) if section in sections else -1


def tally(rows):
    met = sum(bool(r.code and r.tests and not r.reason) for r in rows)
    partly = sum(bool(r.code and r.reason) for r in rows)
    return len(rows), met, partly, len(rows) - met - partly


def page(requirements, citations, titles, sections):
    out = ["# RFC coverage", "",
           "Generated by `tests/lint/rfc_coverage.py --write` from `docs/rfc-requirements.txt` and the citations in the "
           "code; do not edit.",
           "The wording is ours and short: the RFC itself says what is meant. `file:name` is the place that answers;",
           "`tests/lint/rfc_coverage.py --lines` prints today's line numbers. A row with a reason says what is not done, or "
           "why it does",
           "not apply here.", "",
           "| RFC | requirements | met and tested | met with a reservation | not done or not applicable |", "|---|---|---|---|---|"]
    for rfc in sections:
        rows = [r for r in requirements if r.rfc == rfc]
        total, met, partly, no = tally(rows)
        out.append(f"| [{rfc} {titles[rfc]}](#{name_of(rfc).lower().replace(' ', '-')}) | {total} | {met} | {partly} | {no} |")
    for rfc, numbers in sections.items():
        out += ["", f"## {name_of(rfc)}", "",
                "| § | level | side | requirement | answered in | held by | reason against, or remark |",
                "|---|---|---|---|---|---|---|"]
        for r in sorted((r for r in requirements if r.rfc == rfc), key=lambda r: order(numbers, r.section)):
            out.append(f"| {r.section} | {r.level} | {r.side} | {r.text} | {cell(r.code)} | {cell(r.tests)} | {r.reason} |")
        cited = collections.defaultdict(set)
        for path, _, cited_rfc, section in citations:
            if cited_rfc == rfc:
                cited[section].add(str(path))
        if cited:
            out += ["", "Cited in the code: " +
                    "; ".join(f"§{s}: " + ", ".join(f"`{p}`" for p in sorted(cited[s])) for s in numbers if s in cited) + "."]
    return "\n".join(out) + "\n"


def findings():
    """(mistakes, what the page should be)"""
    mistakes = []
    paths = tracked_files()
    titles, sections = read_sections()
    requirements = read_requirements(mistakes)
    citations = read_citations(paths)
    mistakes += check(requirements, citations, sections, test_names(paths))
    return mistakes, page(requirements, citations, titles, sections), requirements


def lint():
    mistakes, wanted, _ = findings()
    if not PAGE.exists() or PAGE.read_text() != wanted:
        mistakes.append("docs/rfc-coverage.md: not what tests/lint/rfc_coverage.py --write makes")
    return mistakes


def main():
    if sys.argv[1:] == ["--write"]:
        mistakes, wanted, _ = findings()
        PAGE.write_text(wanted)
    elif sys.argv[1:] == ["--lines"]:
        mistakes, _, requirements = findings()
        for r in requirements:
            places = [f"{path}:{number}" if number else path for path, number in map(line_of, r.code)]
            print(f"{name_of(r.rfc)} §{r.section} {r.level}: {r.text}: {', '.join(places + r.tests) or r.reason}")
    else:
        mistakes = lint()
    print("\n".join(mistakes), end="\n" if mistakes else "", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
