"""Programs of this machine send by `postern sendmail`: cron's line, PHP's mail(), git send-email, SMTP over standard input. While
the relay is away their mail waits with its user and goes out later, once; root sends what others wait for, as these."""

import os
import pathlib
import pwd
import shutil
import smtplib
import subprocess
import tempfile

from support import check, free_port

CRON = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> backup\n\nno space left\n"
SECONDS = 25


class Machine:
    """A user's way to the relay."""

    def __init__(self, relay, folder, key, port):
        self.relay, self.key = relay, key
        folder.chmod(0o755)
        self.program = folder / "postern"
        shutil.copy2(relay.postern, self.program)
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.spool.chmod(0o1733)
        self.file = folder / "sendmail.toml"
        self.file.write_text(f'port = {port}\nuser_name = "machine"\nkey = "{key}"\ndomain = "web1.example.org"\n'
                             f'local_mail_to = "ops@example.org"\nspool_dir = "{self.spool}"\n')
        self.environment = dict(os.environ, POSTERN_SENDMAIL_CONFIG=str(self.file))

    def run(self, *words, text="", expect=0, user=None):
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
        done = subprocess.run([*as_user, self.program, "sendmail", *words], input=text, env=self.environment, text=True,
                              timeout=120, capture_output=True)
        check(done.returncode == expect, f"sendmail {words}: exit {done.returncode}, wanted {expect}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def seen(self):
        """What the relay has, the oldest first."""
        status, listed, _ = self.relay.request("GET", "/v1/emails?limit=100", key=self.key)
        check(status == 200, f"{status} {listed}")
        return listed["data"][::-1]

    def subjects(self):
        return [one["subject"] for one in self.seen()]


def of_cron_and_php(machine, folder):
    machine.run("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", text=CRON)
    seen = machine.seen()[-1]
    check((seen["from"], seen["to"], seen["subject"]) ==
          ("root@web1.example.org (Cron Daemon)", ["root@web1.example.org"], "Cron <root@web1> backup"), f"cron: {seen}")
    recipients = machine.relay.json("message", "show", seen["id"])["recipients"]
    check([r["address"] for r in recipients] == ["ops@example.org"], f"root's mail goes to the operator: {recipients}")
    # PHP's mail() as applications call it, with a fifth argument.
    code = ("exit(mail('ann@example.net', 'Order 4711', \"Thank you.\\n.\\nBye\","
            " \"From: Shop <shop@example.org>\\r\\nBcc: eve@example.net\", '-fbounces@example.org') ? 0 : 1);")
    done = subprocess.run(["php", "-n", "-d", f"sendmail_path={machine.program} sendmail -t -i", "-r", code],
                          env=machine.environment, capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"PHP: {done.stdout}{done.stderr}")
    seen = machine.seen()[-1]
    shown = machine.relay.json("message", "show", seen["id"])
    check([r["address"] for r in shown["recipients"]] == ["ann@example.net", "eve@example.net"], f"PHP: {shown}")
    raw = machine.relay.cli("message", "show", seen["id"], "--raw")
    check("\n.\nBye" in raw.replace("\r\n", "\n") and "eve@" not in raw, f"PHP: {raw}")
    check("Idempotency-Key" not in raw, f"what is between the two stays there: {raw}")


def of_git(machine, folder):
    patch = folder / "0001.patch"
    patch.write_text("From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Dev <dev@example.org>\n"
                     "Date: Tue, 1 Dec 2026 00:00:00 +0000\nSubject: [PATCH] core: Say why\n\n---\n a | 1 +\n")
    link = folder / "bin" / "sendmail"
    link.parent.mkdir()
    link.symlink_to(machine.program)
    done = subprocess.run(["git", "-c", "user.name=Dev", "-c", "user.email=dev@example.org", "send-email", "--confirm=never",
                           "--suppress-cc=all", f"--smtp-server={link}", "--to=list@example.net", str(patch)],
                          env=dict(machine.environment, HOME=str(folder)), capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"git: {done.stdout}{done.stderr}")
    check(machine.subjects()[-1] == "[PATCH] core: Say why", f"git: {machine.subjects()}")


def of_a_dialogue(machine):
    said = machine.run("-bs", text="EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
                       "From: a@example.org\r\nSubject: Spoken\r\n\r\nhello\r\n.\r\nQUIT\r\n")
    check("250 2.0.0 Ok\n221" in said.replace("\r", ""), f"-bs: {said}")
    check(machine.subjects()[-1] == "Spoken", f"-bs: {machine.subjects()}")


def of_refusals(machine):
    check("no recipient" in machine.run(text="x\n", expect=65), "a letter to nobody")
    check("no option -Z" in machine.run("-Z", "a@example.org", expect=64), "a word that nobody knows")
    said = machine.run("rejected@simulator.postern.test", "ann@example.net", text="Subject: In part\n\nx\n", expect=69)
    check("550" in said and "rejected@" in said, f"a refusal has words: {said}")
    check("nothing waits" in machine.run("-bp"), "what is refused does not wait")
    right = machine.file.read_text()
    machine.file.write_text(right.replace("local_mail_to", "local_mail"))
    check("did you mean local_mail_to?" in machine.run("ann@example.net", text="x\n", expect=78), "a key that nobody knows")
    machine.file.write_text(right.replace(machine.key, machine.key[:-1] + ("a" if machine.key[-1] != "a" else "b")))
    said = machine.run("ann@example.net", text="Subject: With a wrong key\n\nx\n")
    check("it waits" in said and machine.key[-8:] not in said, f"a key that is not let in loses nothing: {said}")
    machine.file.write_text(right)
    machine.run("-q")
    check(machine.subjects()[-1] == "With a wrong key", f"{machine.subjects()}")


def of_a_relay_that_is_away(machine, relay):
    before = machine.subjects()
    relay.stop()
    for number in (1, 2):
        machine.run("-i", "ann@example.net", text=f"Subject: Kept {number}\n\nx\n")
    waiting = machine.run("-bp")
    check(waiting.count(" waits") == 2, f"two letters wait: {waiting}")
    check("451 4.4.1" in machine.run("-q", expect=75), "why they wait")
    users = []
    if os.geteuid() == 0:
        users = [pwd.getpwnam("nobody")]
        machine.run("-i", "ann@example.net", text="Subject: Of nobody\n\nx\n", user=users[0])
        folder = machine.spool / str(users[0].pw_uid)
        check(folder.stat().st_uid == users[0].pw_uid and folder.stat().st_mode & 0o777 == 0o700, "a folder of its own")
    relay.start()
    # Whoever sends next takes along what waits.
    machine.run("-i", "ann@example.net", text="Subject: Now\n\nx\n")
    check(machine.subjects() == before + ["Now", "Kept 1", "Kept 2"], f"{machine.subjects()}")
    machine.run("-q")
    wanted = before + ["Now", "Kept 1", "Kept 2"] + ["Of nobody"] * len(users)
    check(machine.subjects() == wanted, f"root sends what others wait for, and nothing twice: {machine.subjects()}")
    check("nothing waits" in machine.run("-bp"), "nothing is left")


def run(context):
    relay = context.relay()
    relay.start()
    relay.account("machines", "--per-second", "unlimited")
    key = relay.key("machines", "--test", "--permission", "full_access")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        machine = Machine(relay, folder, key, relay.starttls)
        of_cron_and_php(machine, folder)
        of_git(machine, folder)
        of_a_dialogue(machine)
        of_refusals(machine)
        of_a_relay_that_is_away(machine, relay)
