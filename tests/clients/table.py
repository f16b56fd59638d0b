"""Ten real clients against a server that fails at each stage of a session: what each tells its program, how often it tries by
itself, and what was kept. Writes the table of docs/testing.md.

usage: table.py --postern FILE [--print]"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import support  # noqa: E402

SECONDS = 60  # for a client that waits
BEGIN, END = "<!-- clients -->", "<!-- end of clients -->"
JARS = ":".join(f"/usr/share/java/jakarta-{jar}.jar" for jar in ("mail", "activation"))
MESSAGE = b"From: app@example.com\r\nTo: ann@example.org, bob@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"

# Before AUTH only a listener of the run's own knows the run.
FRONT = """
[[listener]]
address = "127.0.0.1"
port = {port}
tls = "none"
allow_auth_without_tls = true
run = "team/front"
"""

# Heading → the rule. The first time only, so that whoever tries again gets through.
FAILURES = {
    "421 at the greeting": {"stage": "connect", "reply": "421 4.3.2 Service not available"},
    "454 at AUTH": {"stage": "auth", "reply": "454 4.7.0 Temporary authentication failure"},
    "451 at MAIL": {"stage": "mail", "reply": "451 4.7.1 Try again later"},
    "550 for one of two recipients": {"stage": "rcpt", "to": "ann@*", "reply": "550 5.1.1 No such user"},
    "451 for one of two recipients": {"stage": "rcpt", "to": "ann@*", "reply": "451 4.2.1 Mailbox busy"},
    "451 at DATA": {"stage": "data", "reply": "451 4.3.0 Try again later"},
    "reset at RCPT": {"stage": "rcpt", "drop": "rst"},
    "451 after the content": {"stage": "content", "reply": "451 4.3.0 Try again later"},
    "550 after the content": {"stage": "content", "reply": "550 5.7.1 Refused as spam"},
    "no answer after the content": {"stage": "content", "drop": "fin"},
}


def version(command, pattern=r"\d+(?:\.\d+)+"):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group() if found else "?"


def package(name):
    return version(["dpkg-query", "-W", "-f", "${Version}", name])


class Program:
    """A client that ends with what it was told."""

    def __init__(self, name, command, content=None):
        self.name, self.command, self.content = name, command, content

    def send(self, environment):
        command = [word.format(**environment) for word in self.command]
        try:
            done = subprocess.run(command, input=self.content, capture_output=True, timeout=SECONDS, cwd=environment["FOLDER"],
                                  env={**os.environ, "NODE_PATH": "/usr/share/nodejs", "NODE_NO_WARNINGS": "1", **environment})
        except subprocess.TimeoutExpired:
            return "hangs"
        return "ok" if done.returncode == 0 else "error"


class Postfix:
    """A null client: takes the message at once, and tries again by itself."""

    name = f"Postfix {package('postfix')}"

    def send(self, environment):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postfix-", dir=environment["FOLDER"]))
        for part in ("etc", "spool", "data"):
            (folder / part).mkdir()
        shutil.copy("/etc/postfix/master.cf" if pathlib.Path("/etc/postfix/master.cf").exists()
                    else "/usr/share/postfix/master.cf.dist", folder / "etc/master.cf")
        text = (folder / "etc/master.cf").read_text()
        text = re.sub(r"^(smtp\s+inet)", r"#\1", text, flags=re.M)
        (folder / "etc/master.cf").write_text(re.sub(r"^(\S+\s+(?:unix|fifo|inet)\s+\S+\s+\S+\s+)y", r"\1n", text, flags=re.M))
        secret = f"{environment['SMTP_USER']}:{environment['SMTP_PASSWORD']}"
        hop = f"[127.0.0.1]:{environment['SMTP_PORT']}"
        (folder / "etc/main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
inet_interfaces = loopback-only
mydestination =
myhostname = client.example.com
relayhost = {hop}
smtp_sasl_auth_enable = yes
smtp_sasl_security_options =
smtp_sasl_password_maps = inline:{{ {{ {hop} = {secret} }} }}
smtp_tls_security_level = none
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
smtp_cname_overrides_servername = no
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
""")
        (folder / "etc/main.cf").chmod(0o600)
        shutil.chown(folder / "data", "postfix")
        for parent in (folder, *folder.parents):
            if str(parent).startswith(tempfile.gettempdir() + "/"):
                parent.chmod(0o755)
        subprocess.run(["postfix", "-c", str(folder / "etc"), "start"], check=True, capture_output=True)
        try:
            subprocess.run(["/usr/sbin/sendmail", "-C", str(folder / "etc"), "-f", "app@example.com", "ann@example.org",
                            "bob@example.org"], input=MESSAGE.replace(b"\r\n", b"\n"), check=True, capture_output=True)
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                waiting = subprocess.run(["postqueue", "-c", str(folder / "etc"), "-j"], capture_output=True).stdout
                if not waiting.strip():
                    break
                time.sleep(0.5)
            log = (folder / "log").read_text()
            return "bounce" if "status=bounced" in log else "ok"
        finally:
            subprocess.run(["postfix", "-c", str(folder / "etc"), "stop"], capture_output=True)


def clients(folder):
    (folder / "message").write_bytes(MESSAGE)
    subprocess.run(["javac", "-cp", JARS, "-d", str(folder), str(HERE / "Send.java")], check=True)
    subprocess.run(["go", "build", "-o", str(folder / "send-go"), str(HERE / "send.go")], check=True,
                   env={**os.environ, "GOCACHE": str(folder / "go"), "GOFLAGS": "-mod=mod"})
    yield Program(f"swaks {package('swaks')}", [
        "swaks", "--timeout", "20", "--server", "127.0.0.1", "--port", "{SMTP_PORT}", "--auth", "PLAIN",
        "--auth-user", "{SMTP_USER}", "--auth-password", "{SMTP_PASSWORD}", "--from", "app@example.com",
        "--to", "ann@example.org,bob@example.org"])
    yield Program(f"curl {version(['curl', '--version'])}", [
        "curl", "-sS", "--max-time", "30", "smtp://127.0.0.1:{SMTP_PORT}", "--user", "{SMTP_USER}:{SMTP_PASSWORD}", "--mail-from",
        "app@example.com", "--mail-rcpt", "ann@example.org", "--mail-rcpt", "bob@example.org", "-T", "message"])
    yield Program(f"smtplib {version(['python3', '--version'])}", ["python3", str(HERE / "send.py")])
    yield Program(f"nodemailer {package('node-nodemailer')}", ["node", str(HERE / "send.js")])
    yield Program(f"PHPMailer {package('libphp-phpmailer')}", ["php", str(HERE / "send.php")])
    net_smtp = version(["perl", "-MNet::SMTP", "-e", "print Net::SMTP->VERSION"])
    yield Program(f"Net::SMTP {net_smtp}", ["perl", str(HERE / "send.pl")])
    yield Program(f"Jakarta Mail {package('libjakarta-mail-java')}", ["java", "-cp", f"{{FOLDER}}:{JARS}", "Send"])
    yield Program(f"msmtp {package('msmtp')}", [
        "msmtp", "--file=/dev/null", "--host=127.0.0.1", "--port={SMTP_PORT}", "--auth=plain", "--user={SMTP_USER}",
        "--passwordeval=printenv SMTP_PASSWORD", "--from=app@example.com", "--tls=off", "ann@example.org", "bob@example.org"],
        MESSAGE.replace(b"\r\n", b"\n"))
    yield Program(f"Go {version(['go', 'version'], r'[0-9]+[.][0-9.]+')}", ["{FOLDER}/send-go"])
    yield Postfix()


def ask(relay, key, method, path, body=None):
    status, answer, _ = relay.request(method, path, body, key)
    support.check(status in (200, 201), f"{path}: {status} {answer}")
    return answer


def cell(relay, key, run, told):
    """What the program was told, and what the run has."""
    journal = ask(relay, key, "GET", f"/v1/test/runs/{run}/journal")
    mails = [m for m in journal["messages"] if m["kind"] == "mail"]
    # Without the bounces that a client sends itself.
    to = sorted(address for mail in mails for address in mail["to"] if address != "app@example.com")
    words = [{"ok": "success", "error": "**error**", "bounce": "bounce", "hangs": "hangs"}[told]]
    kept = {(): "nothing kept", ("ann@example.org",): "ann's kept", ("bob@example.org",): "bob's kept",
            ("ann@example.org", "bob@example.org"): ""}.get(tuple(to), "**twice**")
    return "; ".join(word for word in (*words, kept) if word)


def fail_first(rule):
    """Once, however often this client asks within its first try."""
    return {"name": "fails", "rules": [{**rule, "times": 1}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", required=True)
    parser.add_argument("--print", action="store_true", dest="prints")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clients-") as name:
        folder = pathlib.Path(name)
        front = support.free_port()
        relay = support.Relay(os.path.abspath(options.postern), folder, extra=FRONT.format(port=front))
        relay.account("team")
        key = relay.key("team", "--test", "--permission", "full_access")
        relay.start()
        rows = []
        try:
            for number, client in enumerate(clients(folder)):
                cells = []
                for stage, rule in enumerate(FAILURES.values()):
                    is_front = rule["stage"] == "connect"
                    run = "front" if is_front else f"client-{number}-{stage}"
                    ask(relay, key, "POST", "/v1/test/runs", {"run": run, "script": fail_first(rule)})
                    told = client.send({"SMTP_PORT": str(front if is_front else relay.plain), "SMTP_USER": run,
                                        "SMTP_PASSWORD": key, "FOLDER": str(folder)})
                    cells.append(cell(relay, key, run, told))
                    if is_front:
                        ask(relay, key, "DELETE", f"/v1/test/runs/{run}")
                rows.append(f"| {client.name} | " + " | ".join(cells) + " |")
                print(rows[-1], flush=True)
        finally:
            relay.stop()
    table = "\n".join(["| | " + " | ".join(FAILURES) + " |", "|---" * (len(FAILURES) + 1) + "|", *rows])
    if options.prints:
        return
    page = ROOT / "docs/testing.md"
    text = page.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(text[:begin] + "\n" + table + "\n" + text[end:])


if __name__ == "__main__":
    main()
