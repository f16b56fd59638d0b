#!/usr/bin/env python3
"""The lint is tested by a tree that breaks each rule: a copy of this one, one fault at a time; each must be found, and named."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONG = "x" * 140


def appended(text):
    return lambda old: old + text


def inserted(line):
    """Behind the first include."""
    return lambda old: old.replace("#include", f"{line}\n#include", 1)


def replaced(old, new):
    def change(text):
        assert old in text, old
        return text.replace(old, new, 1)
    return change


def made(text):
    return lambda _: text


FUNCTION = "\nvoid overlong() {\n" + "  step();\n" * 80 + "}\n"

# The rule, the file, what happens to it, and what has to be said of it.
FAULTS = [
    ("a room below includes one above", "core/ids.cc", inserted('#include "store/store.h"'),
     "core/ids.cc: core/ may not include store/"),
    ("the wire includes the product", "http/connection.cc", inserted('#include "submission/submission.h"'),
     "http/connection.cc: http/ may not include submission/"),
    ("events include endpoints", "events/event_hub.cc", inserted('#include "api/api.h"'), "events/ may not include api/"),
    ("the way in includes more of the way out", "submission/quota.cc", inserted('#include "relay/queue.h"'),
     "submission/ may include of relay/ only"),
    ("the protocol core includes the shell's room", "smtp/session.cc", inserted('#include "net/stream.h"'),
     "smtp/session.cc: smtp/ may not include net/"),
    ("the protocol core asks the clock", "smtp/session.cc", inserted('#include "core/clock.h"'),
     "smtp/session.cc: what is pure may not include core/clock.h"),
    ("the rules log", "sandbox/rules.cc", inserted('#include "core/log.h"'),
     "sandbox/rules.cc: what is pure may not include core/log.h"),
    ("a library includes one it does not link", "relay/dsn.cc", inserted('#include "relay/queue.h"'),
     r"relay/dsn.cc: relay/queue.h \(through relay/dsn.cc\) is of the library relay, which relay_rules does not link"),
    ("… through a header", "smtp/command.h", inserted('#include "smtp/connection.h"'), "smtp/session.cc: smtp/connection.h"),
    ("sockets in the core", "core/bytes.cc", inserted("#include <sys/socket.h>"), "<sys/socket.h> is not for core/"),
    ("chance beside core/random", "core/ids.cc", inserted("#include <random>"), "<random> is not for core/"),
    ("threads in the protocol", "smtp/session.cc", inserted("#include <thread>"), "<thread> is not for smtp/"),
    ("Asio in the store", "store/store.cc", inserted("#include <boost/asio/post.hpp>"), "<boost/asio/post.hpp> is not for store/"),
    ("OpenSSL in the sandbox", "sandbox/rules.cc", inserted("#include <openssl/evp.h>"), "<openssl/evp.h> is not for sandbox/"),
    ("LMDB outside the store", "relay/queue.cc", inserted("#include <lmdb.h>"), "<lmdb.h> is not for relay/"),
    ("a library without a room", "core/ids.cc", inserted("#include <zmq.h>"), "<zmq.h> is of no library that has a room"),
    ("a file that no list names", "core/forgotten.cc", made("// Nobody builds this.\n"),
     "core/forgotten.cc: no CMakeLists.txt names it"),
    ("two files in a line of a list", "core/CMakeLists.txt", replaced("    ids.cc\n", "    ids.cc idna.cc\n"),
     r"core/CMakeLists.txt:\d+: several files in one line"),
    ("a room without a README", "core/README.md", None, "core/: has no README.md"),
    ("a room that the page does not have", "docs/architecture.md", replaced("| `core/` |", "| `heart/` |"),
     "docs/architecture.md: its table has no core/"),
    ("a file that is too long", "core/ids.cc", appended("//\n" * 600), r"core/ids.cc: \d+ lines, more than 600"),
    ("a function that is too long", "core/ids.cc", appended(FUNCTION),
     r"core/ids.cc:\d+: a function of 82 lines, more than 80"),
    ("a room that is too big", "auth/sizes.h", made("// Too much.\n" * 40000), "auth/: .* more than 16%"),
    ("a line that is too long", "core/ids.cc", appended(f"// {LONG}\n"),
     r"core/ids.cc:\d+: 143 columns, more than 132"),
    ("a format of another width", ".clang-format", replaced("ColumnLimit: 132", "ColumnLimit: 100"),
     ".clang-format: its ColumnLimit is not the 132"),
    ("a header that does not say what it is", "core/ids.h", made("#pragma once\n"),
     "core/ids.h: does not say at its top what it is"),
    ("a header that says too much", "core/ids.h", lambda old: "// And more.\n" * 13 + old, "core/ids.h: opens with"),
    ("a type of one name twice", "core/twice.h", made("// A second one.\nclass IpAddress {\n};\n"), "has a type IpAddress too"),
    ("a test that is not run", "tests/unit/core/lost_test.cc", made("// Lost.\n"),
     "tests/unit/core/lost_test.cc: no CMakeLists.txt names it"),
    ("a source that no test plays", "sandbox/README.md", replaced("`scenario_catalog`", "`scenario`"),
     "sandbox/scenario_catalog.cc: has no test of its own"),
    ("a test that is said to play it", "sandbox/README.md", replaced("docs_test.cc", "dogs_test.cc"),
     "sandbox/README.md: under \"Tested elsewhere\": tests/unit/sandbox/dogs_test.cc is not there"),
    ("a story without a script", "tests/e2e/t99_nothing/README.md", made("Nothing.\n"),
     "tests/e2e/t99_nothing: has no story.py"),
    ("a class of attack that is left out", "docs/security.md",
     replaced("\n| 7 |", "\n| 77 |"), "docs/security.md: the classes are"),
    ("a test that the security page makes up", "docs/security.md", appended("`Nothing.IsTestedHere`\n"),
     "docs/security.md: there is no Nothing.IsTestedHere"),
    ("a requirement that stands nowhere", "docs/rfc-requirements.txt", replaced("core/", "coer/"), "docs/rfc-requirements.txt:"),
    ("text that becomes markup", "dashboard/pages/keys.js", appended("export const a = (e) => { e.innerHTML = 'x'; };\n"),
     r"dashboard/pages/keys.js:\d+: innerHTML"),
    ("… of the element itself", "dashboard/pages/keys.js", appended("export const a = (e) => { e.outerHTML = 'x'; };\n"),
     "outerHTML"),
    ("… beside it", "dashboard/pages/keys.js", appended("export const a = (e) => e.insertAdjacentHTML('beforeend', 'x');\n"),
     "text that becomes markup"),
    ("… of the document", "dashboard/pages/keys.js", appended("document.write('x');\n"), "document.write"),
    ("text that is run", "dashboard/lib/api.js", appended("eval('x');\n"), "text that is run"),
    ("… as a function", "dashboard/lib/api.js", appended("export const f = new Function('x');\n"), "text that is run"),
    ("an inline style", "dashboard/index.html", replaced("<body>", "<body style='color: red'>"), "inline style"),
    ("an inline handler", "dashboard/index.html", replaced("<body>", "<body onload='x()'>"), "inline event handler"),
    ("an inline script", "dashboard/index.html", replaced("</body>", "<script>x()</script></body>"), "inline script"),
    ("a style set as text", "dashboard/lib/list.js", appended("document.body.setAttribute('style', 'color: red');\n"),
     "inline style or handler"),
    ("a script of another host", "dashboard/index.html",
     replaced("</body>", '<script src="https://cdn.host.test/x.js"></script></body>'),
     "an address of another host"),
    ("a picture of another host", "dashboard/styles/base.css", appended(".x { background: url(//host.test/x.png); }\n"),
     "an address of another host"),
    ("a frame that may run scripts", "dashboard/pages/message.js", replaced("sandbox: ''", "sandbox: 'allow-scripts'"),
     "a frame that may run scripts"),
    ("a module that is asked for late", "dashboard/index.html", replaced("/lib/dom.js", "/lib/plot.js"),
     "does not preload lib/dom.js"),
    ("an alarm about a metric that is not there", "packaging/prometheus/postern.rules.yml",
     replaced("postern_spool_free_disk_bytes", "postern_spool_spare_bytes"), "there is no metric postern_spool_spare_bytes"),
    ("an alarm without a paragraph", "docs/runbook.md", replaced("## PosternDown", "## PosternUp"),
     "only one of them has PosternDown"),
    ("a dashboard that its table does not make", "packaging/grafana/postern.json", replaced("Age of the oldest", "Age"),
     "not what packaging/grafana/make.py makes"),
    ("a fact of the log that no document has", "core/operator_log.cc",
     appended('void nothing() { log::write(log::Level::Info, "made_up", {}); }\n'),
     "made_up"),
]


def copy_to(folder):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file() and not name.startswith(("tests/fuzz/corpus/", "tests/stores/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)


def findings_in(folder):
    done = subprocess.run([sys.executable, str(HERE / "run.py")], env={**os.environ, "POSTERN_LINT_ROOT": str(folder)},
                          capture_output=True, text=True, check=False)
    if done.stderr:
        sys.exit(done.stderr)
    return done.stdout.splitlines()


def main():
    missed = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        copy_to(folder)
        sound = set(findings_in(folder))
        if sound:
            sys.exit("the copy is not sound:\n" + "\n".join(sorted(sound)))
        for rule, file, change, wanted in FAULTS:
            path = folder / file
            old = path.read_text() if path.exists() else None
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if change is None else path.write_text(change(old or ""))
            found = findings_in(folder)
            if not any(re.search(wanted, finding) for finding in found):
                missed.append(f"{rule}: nothing says “{wanted}”, only {found[:3]}")
            if old is None:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
            else:
                path.write_text(old)
    if missed:
        sys.exit("the lint does not find:\n" + "\n".join(missed))
    print(f"the lint finds all {len(FAULTS)} faults")


if __name__ == "__main__":
    main()
