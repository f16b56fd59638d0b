#!/usr/bin/env python3
"""An Internet in one network namespace. usage: tests/lab/lab.py [COMMAND …]   (see README.md)"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import hosts  # noqa: E402
import zones  # noqa: E402
from fixtures import EXTRA, FIXTURES, STS_FIXTURES  # noqa: E402

FIRST_HOST = 100  # 198.51.100.100 and up; below, what fixtures name themselves


def enter(command):
    """`command` in a network and mount namespace of its own; its exit status."""
    kind = ["unshare", "--net", "--mount"] if os.getuid() == 0 else ["unshare", "--net", "--mount", "--user", "--map-root-user"]
    return subprocess.run([*kind, *command]).returncode


def answers(port, address="127.0.0.1"):
    done = subprocess.run(["drill", "-p", str(port), f"@{address}", ".", "SOA"], capture_output=True, text=True)
    return "NOERROR" in done.stdout


class Lab:
    """Inside of the namespace. `fixtures` get their addresses here."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.fixtures = FIXTURES + STS_FIXTURES
        self.certificates = zones.Certificates(self.folder / "certificates")
        self.processes = []
        self.mail, self.web = {}, {}
        self._network()
        records = {zone: list(lines) for zone, lines in EXTRA.items()}
        for number, fixture in enumerate(self.fixtures):
            fixture.address = f"198.51.100.{FIRST_HOST + number}"
            self._fixture(fixture, records)
        served, self.anchor = zones.write_zones(self.folder / "zones", records)
        self._name_servers(served)
        self.hosts = hosts.Hosts(list(self.mail.values()), list(self.web.values()))

    def _network(self):
        for command in (["link", "set", "lo", "up"], *(["addr", "add", f"{network}.0/24", "dev", "lo"]
                                                       for network in ("192.0.2", "198.51.100", "203.0.113"))):
            zones.run("ip", *command)
        resolv = self.folder / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\noptions trust-ad edns0\n")
        zones.run("mount", "--make-rprivate", "/")
        zones.run("mount", "--bind", str(resolv), "/etc/resolv.conf")

    def _fixture(self, fixture, records):
        lines = records.setdefault(fixture.zone, []) if fixture.publish else []

        def owner(name):
            return fixture.name if name == "@" else f"{name}.{fixture.name}"

        for line in fixture.publish:
            name, rest = line.split(" ", 1)
            lines.append(f"{owner(name)} IN " + rest.format(d=fixture.name, a=fixture.address))
        names = list(fixture.certificate_names) or [f"mx.{fixture.domain}"]
        chain = key = None
        if fixture.certificate:
            chain, key = self.certificates.get(fixture.certificate, names)
        for name, usage, selector, matching, of in fixture.tlsa:
            data = of
            if of == "own":
                data = zones.digest(chain, selector, matching)
            elif of == "ca":
                data = zones.digest(self.certificates.ca, selector, matching)
            elif of == "other":
                data = "ab" * 32
            prefix = "_25._tcp." + ("" if name == "@" else f"{name}.")
            lines.append(f"{prefix}{fixture.name} IN TLSA {usage} {selector} {matching} {data}")
        if fixture.name == "insmx":
            records["sec"] += [f"mx.insmx IN A {fixture.address}",
                               f"_25._tcp.mx.insmx IN TLSA 3 1 1 {zones.digest(chain, 1, 1)}"]
        if fixture.name == "aliasout":
            records["ins"].append(f"aliasout IN A {fixture.address}")
        if fixture.sts:
            self._policy(fixture, lines)
        if fixture.publish:
            self.mail[fixture.domain] = hosts.MailHost(fixture.address, chain, key, **fixture.host)

    def _policy(self, fixture, lines):
        mode, pattern, how = fixture.sts
        address = fixture.address.replace("198.51.100.", "203.0.113.")
        lines += [f'_mta-sts.{fixture.name} IN TXT "v=STSv1; id=1;"', f"mta-sts.{fixture.name} IN A {address}"]
        chain, key = self.certificates.get("self" if how == "unverified" else "ca", [f"mta-sts.{fixture.domain}"])
        self.web[fixture.domain] = hosts.WebHost(address, chain, key, hosts.policy_response(mode, pattern, how))

    def _name_servers(self, served):
        self.mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.mute.bind((zones.MUTE, 53))
        folder = self.folder / "nsd"
        folder.mkdir()
        config = (f'server:\n  ip-address: {zones.SERVER}\n  do-ip6: no\n  server-count: 1\n  username: ""\n  chroot: ""\n'
                  f'  database: ""\n  zonesdir: "{self.folder / "zones"}"\n  zonelistfile: "{folder}/list"\n'
                  f'  xfrdfile: "{folder}/xfrd"\n  xfrdir: "{folder}"\n  pidfile: "{folder}/pid"\n  logfile: "{folder}/log"\n'
                  f'remote-control:\n  control-enable: no\n')
        config += "".join(f'zone:\n  name: "{name}"\n  zonefile: {file}\n' for name, file in served.items())
        (folder / "nsd.conf").write_text(config)
        hints = self.folder / "hints"
        hints.write_text(f". 3600 IN NS ns.lab.\nns.lab. 3600 IN A {zones.SERVER}\n")
        (self.folder / "unbound.conf").write_text(
            f'server:\n  interface: 127.0.0.1\n  port: 53\n  do-daemonize: no\n  username: ""\n  chroot: ""\n  pidfile: ""\n'
            f'  directory: "{self.folder}"\n  use-syslog: no\n  logfile: "{self.folder}/unbound.log"\n  root-hints: "{hints}"\n'
            f'  trust-anchor-file: "{self.anchor}"\n  do-not-query-localhost: no\n  do-ip6: no\n  num-threads: 1\n'
            f'  local-zone: "test." nodefault\n  infra-cache-max-rtt: 1500\nremote-control:\n  control-enable: no\n')
        self._start("nsd", "-d", "-c", str(folder / "nsd.conf"))
        self._start("unbound", "-d", "-c", str(self.folder / "unbound.conf"))
        deadline = time.monotonic() + 60
        while not answers(53):
            if time.monotonic() > deadline:
                raise RuntimeError("the laboratory's name servers do not answer")
            time.sleep(0.1)

    def _start(self, program, *arguments):
        path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
        self.processes.append(subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL,
                                               stdout=open(self.folder / f"{program}.out", "w"), stderr=subprocess.STDOUT))

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(30)
        self.mute.close()


def main():
    if os.environ.get("POSTERN_LAB") != "inside":
        os.environ["POSTERN_LAB"] = "inside"
        sys.exit(enter([sys.executable, __file__, *sys.argv[1:]]))
    with tempfile.TemporaryDirectory(prefix="postern-lab-") as folder:
        lab = Lab(folder)
        print(f"name server 127.0.0.1, root anchor {lab.anchor}, CA {lab.certificates.ca}", file=sys.stderr)
        status = subprocess.run(sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")]).returncode
        lab.stop()
    sys.exit(status)


if __name__ == "__main__":
    main()
