"""What the benchmarks share: our tools, CPU of a process tree, the counting sink, Postern and Postfix on ports of their own."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import support as e2e  # noqa: E402

TOOLS = ROOT / "build/release/bench"
POSTERN = ROOT / "build/release/app/postern"


def children(pid):
    """The process, or all of a list of them, and what descends from them."""
    if isinstance(pid, list):
        return [one for each in pid for one in children(each)]
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def cpu_seconds(pid):
    """User and system time of the process and its living children, and of those it has reaped."""
    ticks = 0
    for one in children(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        ticks += sum(int(f) for f in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid):
    """Until the queue has drained: no more CPU is used."""
    seen = [0.0, -1.0]
    while seen[-1] > seen[-2] + 0.01 or len(seen) < 4:
        seen.append(cpu_seconds(pid))
        time.sleep(0.5)


def run_load(tool, **options):
    """A load with --name value for each option → its line of JSON."""
    command = [str(TOOLS / tool)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    if result["refused"]:
        raise RuntimeError(f"{tool}: {result['refused']} refused; {done.stderr.strip()}")
    return result


class Sink:
    """bench/sink, counting and with the numbers of smtp_load's messages verified."""

    def __init__(self, port=None):
        self.port = port or e2e.free_port()
        self.process = subprocess.Popen([str(TOOLS / "sink"), "--port", str(self.port), "--verify", "on",
                                         "--chunking", os.environ.get("POSTERN_BENCH_CHUNKING", "on")])
        e2e.wait_until(lambda: e2e.is_listening(self.port), "the sink listens")
        self.pid = self.process.pid

    def counts(self, reset=False):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"XCOUNT reset\r\nQUIT\r\n" if reset else b"XCOUNT\r\nQUIT\r\n")
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        return json.loads(answer.split(b"\r\n")[1][4:])

    def stop(self):
        self.process.kill()
        self.process.wait()


class Postern:
    """The release build relaying to the sink, with one production account and its live key. `prepare` is called with the data
    folder before the server starts."""

    name = "Postern"

    def __init__(self, folder, sink_port, postern=POSTERN, extra="", prepare=None):
        folder.mkdir()
        self.relay = e2e.Relay(postern, folder, next_hop_port=sink_port, extra=extra)
        self.relay.account("bench", "--mode", "production", "--plan", "unlimited")
        self.key = self.relay.key("bench", "--live")
        self.auth = self.credential = base64.b64encode(b"\0bench\0" + self.key.encode()).decode()
        if prepare:
            prepare(folder / "data")
        self.relay.start()
        self.pid = self.relay.process.pid
        self.ports = {"none": self.relay.plain, "starttls": self.relay.starttls, "implicit": self.relay.implicit}

    def stop(self):
        self.relay.stop()


class Postfix:
    """Debian's Postfix with queue and configuration of its own, and a Dovecot that it asks about passwords: of the two ways it has
    the faster one (Cyrus SASL with sasldb takes a sixth more CPU). Messages come without AUTH (`mynetworks`), which favours it."""

    name = "Postfix"
    auth = ""
    user, password = "bench", "a password as long as one of our keys, 51 octets"
    credential = base64.b64encode(f"\0{user}\0{password}".encode()).decode()

    def __init__(self, folder, sink_port):
        folder.mkdir()
        self.etc = folder / "etc"
        port = e2e.free_port()
        self.ports = {"none": port, "starttls": port}
        shutil.copytree("/etc/postfix", self.etc, symlinks=False)
        services = (self.etc / "master.cf").read_text().splitlines()
        services = [f"127.0.0.1:{port} inet n - n - - smtpd" if line.startswith("smtp ") and " inet " in line else line
                    for line in services]
        services = [line if line.startswith("#") else line.replace(" y ", " n ") for line in services]
        (self.etc / "master.cf").write_text("\n".join(services) + "\n")
        (self.etc / "main.cf").write_text(self.settings(folder, sink_port))
        (folder / "spool").mkdir()
        (folder / "data").mkdir()
        shutil.chown(folder / "data", "postfix")
        self.start_dovecot(folder)
        subprocess.run(["postfix", "-c", str(self.etc), "start"], check=True, capture_output=True)
        e2e.wait_until(lambda: e2e.is_listening(port), "Postfix listens")
        self.pid = [int((folder / "spool/pid/master.pid").read_text()), self.dovecot.pid]

    def settings(self, folder, sink_port):
        certificate = self.make_certificate(folder)
        return f"""compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink_port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 300
smtp_tls_security_level = none
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dovecot/postfix
maillog_file =
alias_maps =
"""

    def start_dovecot(self, folder):
        (folder / "users").write_text(f"{self.user}:{{PLAIN}}{self.password}::::::\n")
        (folder / "dovecot.conf").write_text(f"""base_dir = {folder}/dovecot
log_path = {folder}/dovecot.log
protocols =
ssl = no
auth_mechanisms = plain
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
service auth {{
  client_limit = 4000
  unix_listener postfix {{
    mode = 0666
  }}
}}
""")
        self.dovecot = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")])
        e2e.wait_until(lambda: (folder / "dovecot/postfix").exists(), "Dovecot listens")

    @staticmethod
    def make_certificate(folder):
        """ECDSA P-256, as Postern makes for itself."""
        path = folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=bench.example.org", "-keyout", str(path), "-out", str(folder / "certificate.crt")],
                       check=True, capture_output=True)
        path.write_text(path.read_text() + (folder / "certificate.crt").read_text())
        return path

    def stop(self):
        subprocess.run(["postfix", "-c", str(self.etc), "stop"], capture_output=True)
        self.dovecot.terminate()
        self.dovecot.wait()
