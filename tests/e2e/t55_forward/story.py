"""A route sends on what comes in to a domain elsewhere, where it passes DMARC: with its author's own signature, or with an author
of ours. It goes out once over kills, under a return path that hears of its failures; loops, forged authors and what is beyond a cap
end here, and their senders hear nothing. Another implementation of ARC holds the seal for good."""

import importlib.util
import json
import pathlib
import re
import smtplib
import subprocess

from name_server import NameServer
from support import check, free_port, wait_until

SECONDS = 60
KILLS = 5
CAP = 40
HERE = pathlib.Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"


def load_signing():
    """The keys and signatures of another story."""
    spec = importlib.util.spec_from_file_location("t53_story", HERE.parent / "t53_verify" / "story.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


signing = load_signing()


def bring(mx, content, sender, recipient="sales@example.org"):
    with smtplib.SMTP("127.0.0.1", mx, timeout=60) as client:
        client.ehlo("mail.good.org")
        client.mail(sender)
        code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(content)
        return f"{code} {text.decode()}"


def mail(author, subject, extra=""):
    return (f"From: {author}\r\nTo: sales@example.org\r\nSubject: {subject}\r\n{extra}Date: Mon, 30 Nov 2026 09:00:00 +0000\r\n"
            f"Message-ID: <{subject}@good.org>\r\n\r\nhello {subject}\r\n").encode()


class World:
    """Two installations and a name server: mail for example.org here goes on to dest.org there."""

    def __init__(self, context):
        self.server = NameServer(context.folder / "nsd", "org")
        self.keys = signing.make_keys(context.folder)
        self.folder = context.folder
        self.here_mx, self.there_mx = free_port(), free_port()
        resolver = f'resolver_addresses = ["127.0.0.1@{self.server.port}"]\nresolver_trust_anchor_file = ""\n'
        self.here = self.relay(context, "here", self.here_mx, self.there_mx, resolver +
                               f'return_path_domain = "bounce.org"\nforwards_per_route_and_day = {CAP}\n')
        self.there = self.relay(context, "there", self.there_mx, self.here_mx, resolver + 'return_path_domain = "back.org"\n')
        self.records = ['good.org. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"', '_dmarc.good.org. 60 IN TXT "v=DMARC1; p=reject"',
                        'bank.org. 60 IN TXT "v=spf1 -all"', '_dmarc.bank.org. 60 IN TXT "v=DMARC1; p=reject"',
                        'attack.org. 60 IN TXT "v=spf1 +all"', 'bounce.org. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"',
                        'back.org. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"',
                        signing.txt("rsa._domainkey.good.org", self.keys["rsa"])]
        domains = [line for relay, name in ((self.here, "example.org"), (self.there, "dest.org"))
                   for line in self.domain(relay, name)]
        self.server.publish(domains + self.records)
        for relay, name in ((self.here, "example.org"), (self.there, "dest.org")):
            relay.cli("domain", "verify", name)
            relay.cli("domain", "receive", name, "on")
        self.there.cli("domain", "checks", "dest.org", "reject")
        self.there.cli("route", "add", "dest.org", "bob", "store")

    @staticmethod
    def relay(context, name, mx, hop, extra):
        relay = context.relay(name, next_hop_port=hop, extra=extra)
        relay.config.write_text(relay.config.read_text() +
                                f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n')
        relay.account("app", "--mode", "production")
        return relay

    @staticmethod
    def domain(relay, name):
        relay.cli("domain", "add", "app", name)
        return relay.cli("domain", "records", name).splitlines()

    def arrived(self, subject):
        """What is there of that subject, once it is."""
        def found():
            return [one for one in self.there.json("inbound", "list", "app") if one["subject"] == subject]
        wait_until(found, f"{subject} arrives", 60)
        return found()

    def settled(self, subject):
        """The one that came in here, once nothing of it waits."""
        def found():
            return [one for one in self.here.json("inbound", "list", "app") if one["subject"] == subject and one["forwards"] and
                    all(forward["status"] != "waiting" for forward in one["forwards"])]
        wait_until(found, f"{subject} is sent on or not", 60)
        return found()[0]


def hop_for_hop(world):
    here = world.here
    here.cli("route", "add", "example.org", "sales", "forward", expect=2)
    here.cli("route", "add", "example.org", "sales", "forward", "--to", "nobody", expect=2)
    here.cli("route", "add", "example.org", "sales", "store", "--to", "bob@dest.org", expect=2)
    here.cli("route", "add", "example.org", "sales", "forward", "--to", "bob@dest.org")
    signed = signing.sign(world.folder, "rsa", "relaxed/relaxed", mail("Ann <ann@good.org>", "signed"), "good.org")
    check(bring(world.here_mx, signed, "ann@good.org").startswith("250"), "it is taken")
    there, = world.arrived("signed")
    check(there["auth"]["dmarc"] == "pass" and there["auth"]["from_domain"] == "good.org", f"its author's signature holds: {there}")
    check(there["auth"]["arc"] == "pass", f"and our seal: {there}")
    raw = world.there.cli("inbound", "show", there["id"], "--raw")
    check(re.match(r"Authentication-Results: .*?\nReturn-Path: <b\+\w+\.\w+@bounce\.org>\n", raw, re.S), f"its return path: {raw}")
    check("\nX-Postern-Forwarded: rte_" in raw and "\nDelivered-To: sales@example.org\n" in raw, f"its stamp: {raw}")
    held_by_another(world, raw)

    check(bring(world.here_mx, mail('"Ann" <ann@good.org>', "unsigned"), "ann@good.org").startswith("250"), "it is taken")
    there, = world.arrived("unsigned")
    check(there["auth"]["dmarc"] == "pass" and there["auth"]["from_domain"] == "example.org", f"it has an author of ours: {there}")
    raw = world.there.cli("inbound", "show", there["id"], "--raw")
    check('\nFrom: "Ann via example.org"\n\t<sales@example.org>\n' in raw, f"who says so: {raw}")
    check('\nReply-To: "Ann" <ann@good.org>\n' in raw and raw.endswith("hello unsigned"), f"and answers go to Ann: {raw}")
    shown = here.cli("inbound", "show", world.settled("unsigned")["id"])
    check("sent on to bob@dest.org: queued as " in shown, shown)


def held_by_another(world, raw):
    records = {}
    for line in world.server.zone.read_text().splitlines():
        found = re.match(r"(\S+)\. \d+ (?:IN )?TXT (.*)", line)
        if found:
            records[found[1]] = "".join(re.findall(r'"([^"]*)"', found[2]))
    (world.folder / "records.json").write_text(json.dumps(records))
    done = subprocess.run([DEBIAN_PYTHON, HERE / "verify_arc.py", world.folder / "records.json"],
                          input=raw.replace("\n", "\r\n").encode() + b"\r\n", capture_output=True, timeout=60)
    check(done.stdout.startswith(b"pass 1"), f"dkimpy: {done.stdout} {done.stderr[-500:]}")


def refused(world):
    """Nothing of these goes on, and all of them are kept."""
    check(bring(world.here_mx, mail("ceo@bank.org", "forged"), "x@attack.org").startswith("250"), "observed")
    check(bring(world.here_mx, mail("a@good.org\r\nFrom: ceo@bank.org", "two"), "x@attack.org").startswith("250"), "observed")
    for subject, why in (("forged", "it failed DMARC"), ("two", "its author cannot be told")):
        forward = world.settled(subject)["forwards"][0]
        check(forward["status"] == "refused" and forward["reason"].startswith(why) and not forward["email_id"], f"{forward}")
    world.there.cli("route", "add", "dest.org", "circle", "forward", "--to", "circle@example.org")
    world.here.cli("route", "add", "example.org", "circle", "forward", "--to", "circle@dest.org")
    signed = signing.sign(world.folder, "rsa", "relaxed/relaxed", mail("ann@good.org", "circle"), "good.org")
    check(bring(world.here_mx, signed, "ann@good.org", "circle@example.org").startswith("250"), "it is taken")

    def ended():
        return [one for one in world.here.json("inbound", "list", "app")
                if one["subject"] == "circle" and one["forwards"][0]["status"] == "refused"]
    wait_until(ended, "the circle ends", 60)
    check(ended()[0]["forwards"][0]["reason"].startswith("loop"), f"{ended()}")
    check(ended()[0]["auth"]["arc"] == "pass", f"two seals hold: {ended()}")
    check(len([m for m in world.here.json("inbound", "list", "app") if m["subject"] == "circle"]) == 2, "once around")


def failures_are_heard_here(world):
    key = world.here.key("app", "--live", "--permission", "full_access")
    world.here.cli("route", "add", "example.org", "gone", "forward", "--to", "nobody@dest.org")
    check(bring(world.here_mx, mail("ann@good.org", "gone"), "ann@good.org", "gone@example.org").startswith("250"), "it is taken")
    sent = world.settled("gone")["forwards"][0]["email_id"]

    def types():
        page = world.here.request("GET", f"/v1/emails/{sent}/events", key=key)[1]
        return sorted(event["type"] for event in page["data"])
    wait_until(lambda: types() == ["email.bounced", "email.dsn_withheld", "email.sent"], f"its events: {types()}", 60)
    check([one["email"] for one in world.here.json("suppression", "list", "app")] == ["nobody@dest.org"], "it is suppressed")
    shown = world.here.request("GET", f"/v1/emails/{sent}", key=key)[1]
    check(shown["to"] == ["nobody@dest.org"], f"it is listed with what was sent: {shown}")


def kills(world):
    world.here.cli("route", "add", "example.org", "kill", "forward", "--to", "bob@dest.org")
    for number in range(KILLS):
        reply = bring(world.here_mx, mail("ann@good.org", f"kill{number}"), "ann@good.org", "kill@example.org")
        check(reply.startswith("250"), f"it is taken: {reply}")
        world.here.kill()
        world.here.start()
    for number in range(KILLS):
        check(len(world.arrived(f"kill{number}")) >= 1, "it arrives")
        forward = world.settled(f"kill{number}")["forwards"]
        check(len(forward) == 1 and forward[0]["status"] == "queued", f"{forward}")


def capped(world):
    """The route's part of a day ends; what is beyond it is kept. The count began with the last start."""
    for number in range(CAP + 2):
        check(bring(world.here_mx, mail("ann@good.org", f"many{number}"), "ann@good.org").startswith("250"), "taken")
    outcome = [world.settled(f"many{number}")["forwards"][0] for number in (0, CAP - 1, CAP, CAP + 1)]
    check([one["status"] for one in outcome] == ["queued", "queued", "refused", "refused"], f"{outcome}")
    check("in a day" in outcome[2]["reason"], f"{outcome}")
    sent_on_by_hand(world, f"many{CAP}")


def sent_on_by_hand(world, subject):
    """Asked again, a route says no as long as its reason holds, and sends on once it does not."""
    key = world.here.key("app", "--live", "--permission", "full_access")
    path = f"/v1/inbound/{world.settled(subject)['id']}/forwards/retry"
    check(world.here.request("POST", path, key=key)[0] == 202, "it is asked")
    check("in a day" in world.settled(subject)["forwards"][0]["reason"], "the route's day is not over")
    world.here.stop()
    world.here.start()
    check(world.here.request("POST", path, key=key)[0] == 202, "it is asked again")
    check(world.settled(subject)["forwards"][0]["status"] == "queued", "the count began anew")
    check(len(world.arrived(subject)) == 1, "it arrives, once")
    check(world.here.request("POST", path, key=key)[0] == 409, "nothing is left to be sent on")


def run(context):
    world = World(context)
    try:
        world.there.start()
        world.here.start()
        hop_for_hop(world)
        refused(world)
        failures_are_heard_here(world)
        kills(world)
        capped(world)
        world.here.stop()
        world.there.stop()
    finally:
        world.server.stop()
