"""`postern test`: the documents' example passes; what fails, the command or an expectation, is told and is the exit status."""

import os
import pathlib
import subprocess
import time
import xml.etree.ElementTree

from support import check

EXAMPLES = pathlib.Path(__file__).parents[3] / "docs" / "examples"
SEND = ("import os, smtplib\n"
        "with smtplib.SMTP(os.environ['EMAIL_HOST'], int(os.environ['MAIL_PORT'])) as c:\n"
        "    c.login(os.environ['SPRING_MAIL_USERNAME'], os.environ['SMTP_PASSWORD'])\n"
        "    c.sendmail('a@example.com', ['ann@example.org'], 'Subject: Hello\\r\\n\\r\\nHello\\r\\n')\n")


def test(context, script, *command, expect=0, options=()):
    done = subprocess.run([context.postern, "test", *options, str(script), "--", *command], capture_output=True, text=True,
                          env={**os.environ, "TMPDIR": str(context.folder)}, timeout=120)
    check(done.returncode == expect, f"exit {done.returncode}, wanted {expect}:\n{done.stdout}{done.stderr}")
    check(not list(context.folder.glob("postern-test-*")), "its folder is removed")
    return done.stdout


def run(context):
    report = context.folder / "report.xml"
    said = test(context, EXAMPLES / "shop.toml", "python3", str(EXAMPLES / "shop_test.py"), options=("--junit", str(report)))
    check(said.startswith("TAP version 14\n1..5\nok 1 - the command ends well") and "not ok" not in said, said)
    suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    check((suite.get("name"), suite.get("tests"), suite.get("failures")) == ("shop", "5", "0"), report.read_text())

    script = context.folder / "plan.toml"
    script.write_text('timeout_seconds = 1\n[[expect]]\nname = "two"\nto = "ann@example.org"\ncount = 2\n')
    said = test(context, script, "python3", "-c", SEND, expect=1, options=("--junit", str(report)))
    check("ok 1 - the command" in said and "not ok 2 - two" in said and "expected 2; 1 message of 1" in said, said)
    failure = xml.etree.ElementTree.parse(report).getroot().find(".//failure")
    check("expected 2" in failure.get("message"), report.read_text())
    script.write_text("")
    check("not ok 1" in test(context, script, "false", expect=1), "a command that fails")
    check("it ended with 127" in test(context, script, "/no/such/command", expect=1), "one that is not there")
    test(context, script, "sh", "-c", "kill -KILL $$", expect=1)
    script.write_text('[[rules]]\nstage = "nowhere"\n')
    done = subprocess.run([context.postern, "test", str(script), "--", "true"], capture_output=True, text=True)
    check(done.returncode == 2 and "rules[0].stage" in done.stderr, f"{done}")
    script.write_text("")
    began = time.monotonic()
    test(context, script, "true")
    print(f"  postern test of `true`: {1000 * (time.monotonic() - began):.0f} ms")
