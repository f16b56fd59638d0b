"""What the stories share: a relay of their own on free ports, its command line, real next hops and real clients."""

import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

from peers import PEERS, install_peers, postfix_environment  # noqa: F401: for stories

ROOT = pathlib.Path(__file__).resolve().parents[2]
STOP_SECONDS = 180  # ends a hang; below the shortest wait for a next hop, which a relay that stops must not sit out
# Stories that run side by side each have a share of the ports.
SLOTS = 4
SLOT_PORTS = (32_768 - 10_240) // SLOTS
FIRST_PORT = 10_240 + int(os.environ.get("POSTERN_E2E_SLOT", "0")) * SLOT_PORTS
OWN_PORTS = (FIRST_PORT, FIRST_PORT + SLOT_PORTS)

given_ports = set()  # of this process: no two servers of a story get the same


class Failure(Exception):
    """A story's expectation did not hold."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def free_port():
    """Below the ports that the kernel hands to clients: none of them can take it while its server is restarted."""
    while True:
        port = random.randrange(*OWN_PORTS)
        if port in given_ports:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        given_ports.add(port)
        return port


def wait_until(condition, what, seconds=300):
    """Polls a fact of another process; the only waiting a story may do. The limit ends a hang, it measures nothing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise Failure(f"not within {seconds} s: {what}")


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Relay:
    """`postern serve` with a configuration of its own; listeners: plain, STARTTLS, implicit TLS, HTTP, HTTPS."""

    def __init__(self, postern, folder, next_hop_port=None, extra="", route_extra=""):
        self.postern = str(postern)
        self.folder = pathlib.Path(folder)
        self.plain, self.starttls, self.implicit, self.http, self.https = (free_port() for _ in range(5))
        self.config = self.folder / "postern.toml"
        self.process = None
        route = ""
        if next_hop_port:
            route = (f'[[route]]\nname = "hop"\ndomains = ["*"]\nhost = "127.0.0.1"\nport = {next_hop_port}\n'
                     f'tls = "none"\n{route_extra}\n')
        if "resolver_addresses" in extra and "resolver_trust_anchor_file" not in extra:
            extra = f'resolver_trust_anchor_file = ""  # zones of stories are not signed\n{extra}'
        self.config.write_text(f'''
environment = "development"
hostname = "relay.postern.test"
data_dir = "{self.folder / 'data'}"
log_file = "{self.folder / 'log'}"
http_requests_per_second = 1000000  # stories ask as fast as they can
{extra}
[[listener]]
address = "127.0.0.1"
port = {self.plain}
tls = "none"
allow_auth_without_tls = true
[[listener]]
address = "127.0.0.1"
port = {self.starttls}
tls = "starttls"
[[listener]]
address = "127.0.0.1"
port = {self.implicit}
tls = "implicit"
[[http_listener]]
address = "127.0.0.1"
port = {self.http}
tls = "none"
[[http_listener]]
address = "127.0.0.1"
port = {self.https}
{route}
''')
        os.chmod(self.config, 0o600)

    def cli(self, *arguments, expect=0):
        done = subprocess.run([self.postern, "--config", str(self.config), *arguments], capture_output=True, text=True,
                              timeout=300)  # ends a command that hangs
        check(done.returncode == expect,
              f"postern {' '.join(arguments)}: exit {done.returncode}, wanted {expect}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json"))

    def launch(self):
        """Starts it and waits for nothing."""
        with open(self.folder / "stderr", "ab") as errors:
            self.process = subprocess.Popen([self.postern, "--config", str(self.config), "serve"], stdout=subprocess.DEVNULL,
                                            stderr=errors)

    def start(self):
        self.launch()
        wait_until(lambda: self.process.poll() is not None or
                   all(is_listening(p) for p in (self.plain, self.starttls, self.implicit, self.http, self.https)),
                   "the relay listens")
        check(self.process.poll() is None, "the relay ended: " + self.errors())
        return self

    def errors(self):
        """The end of what it wrote: for a story that failed."""
        files = [self.folder / "stderr", self.folder / "log"]
        # A log that is a FIFO would keep whoever reads it.
        return "\n".join(f.read_text(errors="replace")[-4000:] for f in files if f.is_file())

    def request(self, method, path, body=None, key=None, headers=None):
        """One HTTP request → (status, parsed JSON or bytes, headers in lower case)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=300)
        fields = dict(headers or {})
        if key:
            fields["Authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        if names.get("content-type", "").startswith("application/json") and content:
            content = json.loads(content)
        return response.status, content, names

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Drains; a sanitizer's finding shows in the exit status."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"the relay did not stop within {STOP_SECONDS} s of SIGTERM") from None
        check(status == 0, f"the relay ended with {status}: {self.errors()}")

    def account(self, name, *options):
        self.cli("account", "create", name, *options)
        return name

    def user(self, account, email, password, *options):
        done = subprocess.run([self.postern, "--config", str(self.config), "user", "create", account, email, *options],
                              input=password + "\n", capture_output=True, text=True)
        check(done.returncode == 0, f"postern user create: {done.stdout}{done.stderr}")

    def key(self, account, *options):
        return self.cli("key", "create", account, *options, "--quiet")

    def message(self, message_id):
        return self.json("message", "show", message_id, "--events")

    def settled(self, message_id, seconds=300):
        def poll():
            shown = self.message(message_id)
            return shown if all(r["stage"] != "pending" for r in shown["recipients"]) else None
        return wait_until(poll, f"message {message_id} is settled", seconds)


class Sink:
    """Postfix's smtp-sink as next hop; every transaction lands in a file of its own."""

    def __init__(self, folder, *options, port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.options = options
        self.process = None

    def start(self):
        binary = PEERS / "usr/sbin/smtp-sink"
        environment = postfix_environment()
        # %M makes a name a transaction; the folder is the sink's working directory.
        self.process = subprocess.Popen(
            [str(binary), "-u", "root" if os.getuid() == 0 else os.environ.get("USER", "nobody"),
             *(self.options if "-D" in self.options else ("-d", "m.%M.", *self.options)), f"127.0.0.1:{self.port}", "512"],
            cwd=self.folder, env=environment, stderr=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port), "the next hop listens")
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def files(self):
        """Of the transactions that are over: what the sink still writes is left out."""
        files = sorted(self.folder.glob("m.*"))
        return [path for path in files if str(path) not in self.open_files()]

    def open_files(self):
        names = set()
        for link in pathlib.Path(f"/proc/{self.process.pid}/fd").glob("*"):
            try:
                names.add(os.readlink(link))
            except OSError:
                continue  # closed meanwhile
        return names

    def messages(self):
        return [Delivered(data) for data in (path.read_bytes() for path in self.files()) if data]


class Delivered:
    """One file of smtp-sink: its own X- fields, then what the relay sent."""

    def __init__(self, data):
        text = data.replace(b"\r\n", b"\n")
        self.recipients = re.findall(rb"^X-Rcpt-Args: <([^>]*)>", text, re.M)
        self.sender = (re.search(rb"^X-Mail-Args: <([^>]*)>", text, re.M) or [None, b""])[1]
        # On top stand the sink's own Received field and, for a submission, the relay's trace header.
        received = rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*"
        fields = re.match(rb"(?:X-[^\n]*\n)*" + received +
                          rb"(?:(?=Received: from [^\n]*\n\tby relay\.postern\.test)" + received + rb")?", text)
        self.content = text[fields.end():] if fields else text
        self.text = text

    def sha256(self):
        return hashlib.sha256(self.content.rstrip(b"\n")).hexdigest()


def sha256_of(content):
    return hashlib.sha256(content.replace(b"\r\n", b"\n").rstrip(b"\n")).hexdigest()



PLAIN_MESSAGE = (b"From: Sender <sender@example.org>\r\nTo: someone@example.net\r\nSubject: A plain message\r\n"
                 b"Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nMessage-ID: <plain@example.org>\r\n\r\n"
                 b"First line.\r\n.A line that begins with a dot.\r\n\r\nLast line.\r\n")
