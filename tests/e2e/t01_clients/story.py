"""Every client a user would reach for, over every kind of listener, with good and bad keys."""

import os
import pathlib
import re
import smtplib
import ssl
import subprocess
from email.message import EmailMessage

from support import PLAIN_MESSAGE, check, sha256_of

SECONDS = 20
HERE = pathlib.Path(__file__).parent
USER = "ci-clients"


def rich_message():
    message = EmailMessage()
    message["From"] = "Sender <sender@example.org>"
    message["To"] = "someone@example.net"
    message["Subject"] = "Grüße aus Köln, with an attachment"
    message["Date"] = "Sat, 21 Nov 2026 09:30:00 +0000"
    message["Message-ID"] = "<rich@example.org>"
    message.set_content("Body with umlauts: äöü\n")
    message.add_attachment(bytes(range(256)) * 16, maintype="application", subtype="octet-stream", filename="all.bin")
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def run_command(command, content=None, environment=None):
    done = subprocess.run(command, input=content, capture_output=True, timeout=300, env={**os.environ, **(environment or {})})
    return done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")


def swaks(relay, mode, key, file):
    tls = {"plain": [], "starttls": ["--tls"], "implicit": ["--tlsc"]}[mode]
    return run_command(["swaks", "--timeout", "300", "--server", "127.0.0.1", "--port", str(port_of(relay, mode)), *tls, "--auth",
                        "PLAIN",
                        "--auth-user", USER, "--auth-password", key, "--from", "sender@example.org",
                        "--to", "someone@example.net", "--data", f"@{file}"])


def curl(relay, mode, key, file):
    scheme = "smtps" if mode == "implicit" else "smtp"
    tls = ["--ssl-reqd", "-k"] if mode == "starttls" else ["-k"]
    return run_command(["curl", "-sSv", *tls, f"{scheme}://127.0.0.1:{port_of(relay, mode)}", "--user", f"{USER}:{key}",
                        "--mail-from", "sender@example.org", "--mail-rcpt", "someone@example.net", "-T", str(file)])


def msmtp(relay, mode, key, file):
    tls = {"plain": ["--tls=off"], "starttls": ["--tls=on", "--tls-starttls=on", "--tls-certcheck=off"],
           "implicit": ["--tls=on", "--tls-starttls=off", "--tls-certcheck=off"]}[mode]
    return run_command(["msmtp", "--file=/dev/null", "--debug", "--host=127.0.0.1", f"--port={port_of(relay, mode)}",
                        "--auth=plain",
                        f"--user={USER}", "--passwordeval=printenv POSTERN_KEY", "--from=sender@example.org", *tls,
                        "someone@example.net"], pathlib.Path(file).read_bytes().replace(b"\r\n", b"\n"), {"POSTERN_KEY": key})


def python(relay, mode, key, file):
    context = ssl._create_unverified_context()
    try:
        if mode == "implicit":
            client = smtplib.SMTP_SSL("127.0.0.1", port_of(relay, mode), context=context, timeout=300)
        else:
            client = smtplib.SMTP("127.0.0.1", port_of(relay, mode), timeout=300)
        with client:
            if mode == "starttls":
                client.starttls(context=context)
            client.login(USER, key)
            client.mail("sender@example.org")
            client.rcpt("someone@example.net")
            code, text = client.data(pathlib.Path(file).read_bytes())
            return code == 250, f"{code} {text.decode()}"
    except smtplib.SMTPResponseException as refusal:
        return False, f"{refusal.smtp_code} {refusal.smtp_error.decode()}"


def nodemailer(relay, mode, key, file):
    return run_command(["node", str(HERE / "send.js"), str(port_of(relay, mode)), mode, USER, key, str(file)],
                       environment={"NODE_PATH": "/usr/share/nodejs", "NODE_NO_WARNINGS": "1"})


def perl(relay, mode, key, file):
    return run_command(["perl", str(HERE / "send.pl"), str(port_of(relay, mode)), mode, USER, key, str(file)])


CLIENTS = [swaks, curl, msmtp, python, nodemailer, perl]
MODES = ["plain", "starttls", "implicit"]


def port_of(relay, mode):
    return {"plain": relay.plain, "starttls": relay.starttls, "implicit": relay.implicit}[mode]


def message_id_in(output):
    found = re.search(r"\b250[ -]2\.0\.0 .*?\b([0-9a-v]{26})\b", output)
    return found and found.group(1)


def captured(relay, message_id):
    raw = subprocess.run([relay.postern, "--config", str(relay.config), "message", "show", message_id, "--raw"],
                         capture_output=True, check=True).stdout
    trace, rest = raw.split(b"\r\n", 1)
    check(trace.startswith(b"Received: "), f"no trace header on top: {trace[:80]!r}")
    while rest[:1] in (b" ", b"\t"):
        rest = rest.split(b"\r\n", 1)[1]
    return rest


def run(context):
    relay = context.relay()
    relay.account("clients")
    good = relay.key("clients", "--test", "--name", "good")
    revoked = relay.key("clients", "--test", "--name", "revoked")
    expired = relay.key("clients", "--test", "--name", "expired", "--expires", "2020-01-01")
    relay.cli("key", "revoke", next(k["id"] for k in relay.json("key", "list", "clients") if k["name"] == "revoked"))
    # One character changed: the checksum refuses it.
    wrong = good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]
    relay.start()

    files = {}
    for name, content in {"plain": PLAIN_MESSAGE, "rich": rich_message()}.items():
        files[name] = context.folder / f"{name}.eml"
        files[name].write_bytes(content)

    for client in CLIENTS:
        for mode in MODES:
            where = f"{client.__name__} over {mode}"
            for name, file in files.items():
                accepted, output = client(relay, mode, good, file)
                check(accepted, f"{where}: {name} was not accepted:\n{output}")
                message_id = message_id_in(output)
                if message_id is None:  # msmtp and Net::SMTP print no final reply text: it is the newest
                    message_id = relay.json("message", "list", "--limit", "1")[0]["id"]
                check(sha256_of(captured(relay, message_id)) == sha256_of(file.read_bytes()),
                      f"{where}: {name} was changed on its way")
            for key, token in ((wrong, "invalid_key"), (expired, "expired_key"), (revoked, "revoked_key")):
                accepted, output = client(relay, mode, key, files["plain"])
                check(not accepted and "535" in output and token in output, f"{where}: wanted 535 {token}:\n{output}")
