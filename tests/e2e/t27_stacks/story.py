"""docs/clients.md: every snippet is taken from the document and run as it stands, over the port without TLS; those that upgrade
by themselves also over STARTTLS, with the certificate trusted in the way that the document names."""

import os
import re
import subprocess

from support import ROOT, check

SECONDS = 16

# The fence's words → file name, command.
STACKS = {
    "python": ("hello.py", ["python3", "hello.py"]),
    "python django": ("hello_django.py", ["/usr/bin/python3", "hello_django.py"]),
    "js": ("hello.js", ["node", "hello.js"]),
    "php phpmailer": ("hello_phpmailer.php", ["php", "hello_phpmailer.php"]),
    "php symfony": ("hello_symfony.php", ["php", "hello_symfony.php"]),
    "ruby": ("hello.rb", ["ruby", "hello.rb"]),
    "ruby rails": ("hello_rails.rb", ["ruby", "hello_rails.rb"]),
    "go": ("hello.go", ["go", "run", "hello.go"]),
    "java": ("Hello.java", ["java", "-cp", ":".join(f"/usr/share/java/jakarta-{jar}.jar" for jar in ("mail", "activation")),
                            "Hello.java"]),
}
UPGRADE_BY_THEMSELVES = ("js", "php phpmailer", "php symfony", "ruby", "ruby rails", "go")


def run_snippet(folder, stack, text, port, environment):
    name, command = STACKS[stack]
    (folder / name).write_text(text.replace("2525", str(port)))
    done = subprocess.run(command, cwd=folder, env={**os.environ, "LANG": "C.UTF-8", **environment},
                          capture_output=True, timeout=300)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    check(done.returncode == 0, f"{stack}, port {port}: exit {done.returncode}: {said[-2000:]}")
    return said


def run(context):
    snippets = dict(re.findall(r"^```([a-z ]+)\n(.*?)^```", (ROOT / "docs/clients.md").read_text(), re.M | re.S))
    check(set(snippets) == set(STACKS), f"docs/clients.md has {sorted(snippets)}")
    relay = context.relay().start()
    relay.cli("account", "create", "shop")
    key = relay.cli("key", "create", "shop", "--test", "--name", "stacks", "--quiet")
    certificate = str(relay.folder / "data/tls/self-signed.crt")
    trust = {"SSL_CERT_FILE": certificate, "NODE_EXTRA_CA_CERTS": certificate, "NODE_PATH": "/usr/share/nodejs",
             "GOCACHE": str(context.folder / "go"), "GOFLAGS": "-mod=mod", "POSTERN_KEY": key}
    for stack, text in snippets.items():
        said = run_snippet(context.folder, stack, text, relay.plain, trust)
        if stack == "php phpmailer":
            check(re.search(r"[0-9a-zA-Z]{10}", said), f"PHPMailer finds no transaction id in the reply: {said}")
        if stack in UPGRADE_BY_THEMSELVES:
            run_snippet(context.folder, stack, text, relay.starttls, trust)

    status, answer, _ = relay.request("GET", "/v1/emails?limit=100", key=relay.cli(
        "key", "create", "shop", "--test", "--name", "reader", "--permission", "full_access", "--quiet"))
    check(status == 200, f"GET /v1/emails: {status} {answer}")
    want = len(snippets) + len(UPGRADE_BY_THEMSELVES)
    check(len(answer["data"]) == want, f"{len(answer['data'])} messages came, wanted {want}")
