"""What operators look for stands in docs/operations.md: every fact of the log and every metric, as the source has them, and nothing
else. Every reply of smtp/replies.h is in its catalogue, from which docs/smtp-replies.md is made."""

import re

from tree import ROOT, listed

PAGE = "docs/operations.md"
# Made by the log itself, which is below log::write().
OWN_FACTS = {"log_lines_lost": "core/log.cc"}


def sources():
    return {str(path): (ROOT / path).read_text() for path in listed("*.cc", "*.h") if path.parts[0] not in ("tests", "bench")}


def arguments(text, begin):
    """The arguments of a call whose parenthesis opens before `begin`."""
    found, depth, start, in_text = [], 0, begin, False
    for at in range(begin, len(text)):
        char = text[at]
        if char == '"' and text[at - 1] != "\\":
            in_text = not in_text
        elif in_text:
            continue
        elif char in "([{":
            depth += 1
        elif char in ")]}" and depth > 0:
            depth -= 1
        elif (char == "," and depth == 0) or char == ")":
            found.append(text[start:at].strip())
            start = at + 1
            if char == ")":
                return found
    return found


def calls(text, name):
    for call in re.finditer(r"\b" + name + r"\(", text):
        yield call.start(), arguments(text, call.end())


def literal(argument):
    found = re.fullmatch(r'"([a-z0-9_]+)"', argument)
    return found[1] if found else None


def facts_of(text):
    """Those that log::write() gets, and those that a function gets which hands one on."""
    facts = set()
    for at, given in calls(text, "log::write"):
        fact = literal(given[1])
        if fact:
            facts.add(fact)
            continue
        forwarder = re.findall(r"^\S[^;{}]*?(\w+)\([^;{}]*\{$", text[:at], re.M)[-1]
        facts |= {literal(one) for where, others in calls(text, forwarder) for one in others if literal(one)}
    return facts


def table(page, heading):
    """The names in the first column of the table below a heading."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.M)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def metrics_of(text):
    """(name, type, labels) of each metric that is declared: what its declaration calls labels inside it or by a function."""
    for kind, declared in re.findall(r"^metrics::(Counter|Gauge|Histogram) \w+\((.*?)\);$", text, re.M | re.S):
        named = {function: body for function, body in re.findall(r"(\w+)\(\) \{ return (\{\{.*?\}\}); \}", text)}
        for function, body in named.items():
            declared = declared.replace(function + "()", body)
        labels = re.findall(r'[{,]\s*\{"([a-z_]+)",\s*(?:\{|[a-z_A-Z]+[(}])', declared)
        yield re.match(r'\s*"([a-z_]+)"', declared)[1], kind.lower(), ",".join(labels)


def metric_rows(page):
    section = page.split("## What does each metric say?\n", 1)[1].split("\n## ", 1)[0]
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", section, re.M):
        yield name, kind, ",".join(re.findall(r"`(\w+)`", labels))


def compare(what, listed, made):
    listed = list(listed)
    for name in sorted({name for name in listed if listed.count(name) > 1}):
        yield f"{PAGE}: the {what} {name} is there twice"
    for name in sorted(set(listed) - made):
        yield f"{PAGE}: no code makes the {what} {name}"
    for name in sorted(made - set(listed)):
        yield f"{PAGE}: lacks the {what} {name}"


def lint():
    code = sources()
    page = (ROOT / PAGE).read_text()
    facts = set().union(*(facts_of(text) for text in code.values()))
    facts |= {fact for fact, name in OWN_FACTS.items() if f'"{fact}"' in code[name]}
    yield from compare("fact", table(page, "What does each log line mean?"), facts)
    metrics = {one for text in code.values() for one in metrics_of(text)}
    yield from compare("metric", metric_rows(page), metrics)
    header, source = code["smtp/replies.h"], code["smtp/replies.cc"]
    for name in re.findall(r"^inline constexpr FixedReply (\w+)", header, re.M):
        if f"&{name}" not in source:
            yield f"smtp/replies.cc: the catalogue lacks {name}"
