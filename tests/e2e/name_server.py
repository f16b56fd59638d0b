"""A real name server for the stories that publish records: NSD, out of Debian."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess

from support import free_port, wait_until


class NameServer:
    """NSD, authoritative for one zone, on a port of its own and as the user that runs the story."""

    def __init__(self, folder, domain):
        self.domain = domain
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port = free_port()
        self.zone = self.folder / "zone"
        self.serial = 0
        self.process = None

    def publish(self, lines):
        self.serial += 1
        head = [f"{self.domain}. 3600 IN SOA ns.{self.domain}. hostmaster.{self.domain}. {self.serial} 3600 600 86400 1",
                f"{self.domain}. 3600 IN NS ns.{self.domain}.",
                f"ns.{self.domain}. 3600 IN A 127.0.0.1"]
        self.zone.write_text("\n".join(head + lines) + "\n")
        self.stop()
        binary = shutil.which("nsd") or "/usr/sbin/nsd"
        config = self.folder / "nsd.conf"
        config.write_text(f'''
server:
    ip-address: 127.0.0.1@{self.port}
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    zonelistfile: "{self.folder}/zone.list"
    xfrdfile: "{self.folder}/xfrd.state"
    xfrdir: "{self.folder}"
    pidfile: "{self.folder}/nsd.pid"
    logfile: "{self.folder}/nsd.log"
remote-control:
    control-enable: no
zone:
    name: {self.domain}
    zonefile: zone
''')
        self.process = subprocess.Popen([binary, "-d", "-c", str(config)], stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(self.answers, "the name server answers")

    def answers(self):
        """A query for the zone's SOA by hand: TCP would not tell that this zone is loaded, and no longer the one before."""
        name = b"".join(bytes([len(label)]) + label.encode() for label in self.domain.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            try:
                client.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x06\x00\x01",
                              ("127.0.0.1", self.port))
                reply = client.recv(1500)
            except OSError:
                return False
        return reply[3] & 15 == 0 and struct.pack("!II", self.serial, 3600) in reply

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(300)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # children that outlive it would still answer
