"""What dashboard/ may not hold: ways by which text becomes markup, script or style, and addresses of other hosts. A browser's
rules (Content-Security-Policy, trusted types) stop such things at run time; here they are not written to begin with."""

import re

from tree import ROOT, listed

MAX_COLUMNS = 240  # a sentence for people and a line to copy stand whole
FORBIDDEN = [
    (r"\.innerHTML\b|\[.innerHTML.\]", "innerHTML"),
    (r"\.outerHTML\b", "outerHTML"),
    (r"insertAdjacentHTML|createContextualFragment|DOMParser|setHTMLUnsafe|\.setHTML\b", "text that becomes markup"),
    (r"document\.write", "document.write"),
    (r"\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(\s*['\"`]", "text that is run"),
    (r"set(?:Timeout|Interval)\s*\(\s*['\"`]", "text that is run"),
    (r"\bsrcdoc\b(?!\)\$/i)", "srcdoc"),
    (r"setAttribute\(\s*['\"`](?:style|on\w+)|\.cssText\b", "inline style or handler"),
    (r"javascript:", "a javascript: address"),
    (r"allow-same-origin|allow-scripts", "a frame that may run scripts or is of our origin"),
    (r"createPolicy", "a trusted-types policy"),
]
MARKUP = [
    (r"<[^>]*\son\w+\s*=", "inline event handler"),
    (r"<[^>]*\sstyle\s*=|<style\b", "inline style"),
    (r"<script\b(?![^>]*\ssrc=)", "inline script"),
]
# Names that are reserved for examples (RFC 2606), and one that is a name and no address.
OWN = r"www\.w3\.org/2000/svg|(?:[\w-]+\.)*example(?:\.org|\.com|\.net)?\b"
OTHER_HOST = re.compile(rf"(?:https?:|wss?:)?//(?!{OWN})[a-z0-9-]+\.[a-z]", re.I)


def check_file(path, text):
    patterns = FORBIDDEN + (MARKUP if path.suffix in (".html", ".svg") else [])
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"^\s*(?://|\*|/\*).*", "", line) if path.suffix == ".js" else line
        for pattern, what in patterns:
            if re.search(pattern, code):
                yield f"{path}:{number}: {what}"
        if OTHER_HOST.search(code) or (path.suffix == ".css" and re.search(r"@import|url\(", code)):
            yield f"{path}:{number}: an address of another host"
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


def needed_at_first(path, seen):
    """What a module brings in by its imports, and theirs."""
    if path in seen:
        return
    seen.add(path)
    for name in re.findall(r"^(?:import|export) .*? from '(\.[^']+)';", path.read_text(), re.M):
        needed_at_first((path.parent / name).resolve(), seen)


def check_preloads():
    """The page names every module that it begins with, so that a browser asks for all at once and not one after the other."""
    page = ROOT / "dashboard/index.html"
    if not page.exists():
        return
    folder = page.parent.resolve()
    needed = set()
    needed_at_first(folder / "main.js", needed)
    wanted = {str(path.relative_to(folder)) for path in needed} - {"main.js"}
    named = set(re.findall(r'rel="modulepreload" href="/assets/@VERSION@/([^"]+)"', page.read_text()))
    for name in sorted(wanted - named):
        yield f"dashboard/index.html: does not preload {name}"
    for name in sorted(named - wanted):
        yield f"dashboard/index.html: preloads {name}, which nothing needs at once"


def lint():
    for path in listed("dashboard/*.js", "dashboard/*.html", "dashboard/*.css", "dashboard/*.svg"):
        yield from check_file(path, (ROOT / path).read_text())
    yield from check_preloads()
