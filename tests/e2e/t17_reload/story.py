"""The daemon's life: a reload that takes over what it can and on any failure nothing, a drain with the configured grace, a log that
nobody reads. What was acknowledged meanwhile arrives once."""

import contextlib
import os
import resource
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading

from support import PLAIN_MESSAGE, check, free_port, wait_until

SECONDS = 25


def make_certificate(folder, name):
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}.postern.test", "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return f'tls_certificate_file = "{certificate}"\ntls_key_file = "{key}"\n', certificate.read_text().strip()


def over_implicit_tls(relay):
    return ssl.get_server_certificate(("127.0.0.1", relay.implicit), timeout=300).strip()


def over_starttls(relay):
    with smtplib.SMTP("127.0.0.1", relay.starttls, timeout=300) as client:
        client.starttls(context=ssl._create_unverified_context())
        return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True)).strip()


def admitted(port):
    """A session, or None for a connection answered 421."""
    try:
        return smtplib.SMTP("127.0.0.1", port, timeout=300)
    except smtplib.SMTPConnectError as refused:
        check(refused.smtp_code == 421, f"port {port}: {refused}")
        return None


def reload(relay, change):
    """`change` is applied to the configuration's text; returns when the relay has said what came of it."""
    log = relay.folder / "log"
    before = log.read_text().count(" reload")
    relay.config.write_text(change(relay.config.read_text()))
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count(" reload") > before, "the configuration is read again")


def lines(relay, name="log"):
    return (relay.folder / name).read_text()


def the_spf_of_a_route_is_taken_over(relay):
    relay.account("domains")
    key = relay.key("domains", "--live", "--permission", "full_access")
    path = "/v1/domains/" + relay.request("POST", "/v1/domains", {"name": "example.org"}, key)[1]["id"]
    sound = relay.config.read_text()
    reload(relay, lambda text: text + '[[route]]\nname = "spf"\ndomains = ["example.net"]\nhost = "hop.example.net"\n'
           'spf = ["include:_spf.example.net"]\n')
    records = [record for record in relay.request("GET", path, key=key)[1]["records"] if record["record"] == "SPF"]
    check("include:_spf.example.net" in records[0]["value"], f"the record that is advised after a reload: {records}")
    reload(relay, lambda _: sound)


def the_log_cannot_be_opened(relay, session):
    """As after logrotate's `create 0640 root adm`, which a service user cannot open; as a FIFO that nobody reads. The lines go
    where they went, and nothing else is taken over either."""
    log, old = relay.folder / "log", relay.folder / "log.old"
    for make, undo in ((log.mkdir, log.rmdir), (lambda: os.mkfifo(log), log.unlink)):
        log.rename(old)
        make()
        before = lines(relay, "log.old").count("reload_failed what=log_file")
        relay.process.send_signal(signal.SIGHUP)
        wait_until(lambda: lines(relay, "log.old").count("reload_failed what=log_file") > before, "the old log has the failure")
        check("reload_failed: log_file" in lines(relay, "stderr"), "standard error has it too")
        check(session.noop()[0] == 250, "the relay serves on")
        undo()
        old.rename(log)


def no_descriptor_is_left(relay, session):
    hard = resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE)[1]
    before = lines(relay).count("reload_failed")
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{relay.process.pid}/fd")), hard))
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: lines(relay).count("reload_failed") > before, "a reload without descriptors fails")
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    check(session.noop()[0] == 250, "the relay serves on without descriptors for a reload")
    reload(relay, lambda text: text)


class HeldHop:
    """A next hop that takes a message and keeps its reply to the dot until it is told to give it."""

    def __init__(self):
        self.port = free_port()
        self.taken, self.open = [], set()
        self.has_content = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        self.open.add(connection)
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as stream:
            self.converse(stream)
        self.open.discard(connection)

    def converse(self, stream):
        def say(line):
            stream.write(line + b"\r\n")
            stream.flush()
        recipient = None
        say(b"220 held.postern.test")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if verb == b"DATA":
                say(b"354 go on")
                while stream.readline() not in (b".\r\n", b""):
                    pass
                self.has_content.release()
                self.may_answer.wait()
                self.taken.append(recipient)
            say(b"221 bye" if verb == b"QUIT" else b"250 ok")
            if verb == b"QUIT":
                return

    def close(self):
        self.may_answer.set()
        self.listener.close()


def submit(relay, key, recipient="someone@example.net"):
    """→ the id of the message."""
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("app", key)
        wait_until(lambda: client.mail("sender@example.org")[0] == 250, "the plan's rate allows another message")
        client.rcpt(recipient)
        code, text = client.data(PLAIN_MESSAGE)
        check(code == 250, f"{code} {text}")
        return text.decode().split()[-1]


def relay_to(context, hop, name, extra=""):
    relay = context.relay(next_hop_port=hop.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 1\n" + extra, name=name)
    relay.account("app", "--mode", "production")
    return relay.start(), relay.key("app", "--live")


def drains(context):
    """What waits for the reply to its dot has the configured grace, and a SIGHUP meanwhile changes nothing."""
    hop = HeldHop()
    relay, key = relay_to(context, hop, "drained", "shutdown_grace_seconds = 120\n")
    message = submit(relay, key)
    check(hop.has_content.acquire(timeout=300), "the hop has the content")
    in_data = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    in_data.login("app", key)
    in_data.mail("sender@example.org")
    in_data.rcpt("other@example.net")
    in_data.putcmd("data")
    check(in_data.getreply()[0] == 354, "a client is in the middle of its message")
    check("answers" in relay.cli("health"), "the relay says that it is well")
    relay.process.send_signal(signal.SIGTERM)
    wait_until(lambda: " stopping" in lines(relay), "the drain has begun")
    relay.cli("health", expect=1)
    for _ in range(3):
        relay.process.send_signal(signal.SIGHUP)
    in_data.send(PLAIN_MESSAGE + b".\r\n")
    code, text = in_data.getreply()
    check(code == 250, f"the client in DATA was told {code} {text}")
    hop.may_answer.set()
    check(relay.process.wait(300) == 0, f"the relay ended with {relay.process.returncode}")
    check("queue_stopped unfinished=0" in lines(relay), "nothing was left unfinished")
    relay.start()
    check(relay.settled(message)["recipients"][0]["stage"] == "delivered", "the message is settled")
    relay.settled(text.decode().split()[-1])
    check(len(hop.taken) == 2, f"two messages arrived {len(hop.taken)} times")
    relay.stop()
    hop.close()


def cuts_off(context):
    """A grace that is over is over, and what it cut off is counted."""
    hop = HeldHop()
    relay, key = relay_to(context, hop, "cut-off", "shutdown_grace_seconds = 1\n")
    submit(relay, key)
    check(hop.has_content.acquire(timeout=300), "the hop has the content")
    relay.stop()
    check("queue_stopped unfinished=1" in lines(relay), "one delivery was cut off")
    hop.close()


def ends_whoever_stalls(context):
    """The log on a FIFO whose reader stalls, standard error on a full pipe: SIGTERM ends it, and mail is taken meanwhile."""
    hop = HeldHop()
    hop.may_answer.set()
    relay, key = relay_to(context, hop, "stalled", "shutdown_grace_seconds = 20\nlog_level = \"debug\"\n")
    relay.stop()
    log = relay.folder / "log"
    log.unlink()
    os.mkfifo(log)
    readers = [os.open(log, os.O_RDONLY | os.O_NONBLOCK)]
    to_file, errors = relay.config.read_text(), relay.config.read_text().replace(f'log_file = "{log}"\n', "")
    for text in (to_file, errors):
        relay.config.write_text(text)
        read_end, write_end = os.pipe()
        readers.append(read_end)
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(write_end, False)
            while text is errors:
                os.write(write_end, b"x" * 4096)
        os.set_blocking(write_end, True)
        relay.process = subprocess.Popen([relay.postern, "--config", str(relay.config), "serve"], stderr=write_end)
        os.close(write_end)
        wait_until(lambda: relay.process.poll() is not None or socket_is_open(relay.plain), "it listens")
        last = [submit(relay, key) for _ in range(60)][-1]
        relay.settled(last)
        relay.process.send_signal(signal.SIGHUP)
        relay.process.send_signal(signal.SIGTERM)
        check(relay.process.wait(300) == 0, f"the relay ended with {relay.process.returncode}")
    for reader in readers:
        os.close(reader)
    hop.close()


SILENCE = """
ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf || exit 99
"$2" -c 'import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while server.recv(512): open(sys.argv[1], "w").close()' "$1/asked" &
shift 2
exec "$@"
"""


def ends_while_a_name_server_is_silent(context):
    """A next hop's name is asked of a server that never answers, in namespaces of the relay's own: SIGTERM ends it all the same."""
    if subprocess.run(["unshare", "-Urmn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        return print("    no namespaces on this machine: the silent name server is left to the unit tests")
    relay = context.relay(next_hop_port=free_port(), extra="retry_initial_seconds = 1\nretry_max_seconds = 1\n"
                          "shutdown_grace_seconds = 2\n", name="silent-names")
    relay.account("app", "--mode", "production")
    submit(relay.start(), relay.key("app", "--live"))
    relay.stop()
    text = relay.config.read_text()
    relay.config.write_text(text.replace('host = "127.0.0.1"', 'host = "hop.example"'))
    (relay.folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    (relay.folder / "nsswitch.conf").write_text("hosts: files dns\n")
    process = subprocess.Popen(["unshare", "-Urmn", "sh", "-c", SILENCE, "sh", str(relay.folder), sys.executable, relay.postern,
                                "--config", str(relay.config), "serve"], start_new_session=True)
    try:
        wait_until(lambda: process.poll() is not None or (relay.folder / "asked").exists(), "the name is asked for")
        process.send_signal(signal.SIGTERM)
        check(process.wait(100) == 0, f"the relay ended with {process.returncode}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def socket_is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Load:
    """Clients that submit until they are told to end; what was acknowledged to them."""

    def __init__(self, relay, key, clients=2):
        self.relay, self.key, self.acknowledged, self.is_over = relay, key, [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        count = 0
        while not self.is_over.is_set():
            lost = contextlib.suppress(OSError, smtplib.SMTPException)
            with lost, smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=300) as client:
                client.login("app", self.key)
                while not self.is_over.is_set():
                    count += 1
                    recipient = f"c{number}m{count}@example.net"
                    client.mail("sender@example.org")
                    client.rcpt(recipient)
                    if client.data(PLAIN_MESSAGE)[0] == 250:
                        self.acknowledged.append(recipient)

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def held(relay):
    """Descriptors and threads of the relay."""
    process = f"/proc/{relay.process.pid}"
    return len(os.listdir(f"{process}/fd")), len(os.listdir(f"{process}/task"))


def faults_under_load(context):
    """Every fault of a reload, and a drain with SIGHUPs, while mail comes in: all of it arrives, once, and nothing is left."""
    hop = HeldHop()
    hop.may_answer.set()
    relay = context.relay(next_hop_port=hop.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 1\n",
                          route_extra="idle_timeout_seconds = 1", name="loaded")
    relay.account("app", "--mode", "production")
    relay.cli("account", "set-plan", "app", "--per-second", "1000")
    key = relay.key("app", "--live")
    relay.start()
    submit(relay, key, "first@example.net")
    wait_until(lambda: hop.taken == ["first@example.net"], "the first message arrives")
    at_rest = wait_until(lambda: not hop.open and held(relay), "the relay rests")

    load = Load(relay, key)
    sound = relay.config.read_text()
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as session:
        for _ in range(3):
            the_log_cannot_be_opened(relay, session)
            no_certificate = 'tls_certificate_file = "missing"\ntls_key_file = "missing"\n' + sound
            for text in ("max_conections = 2\n" + sound, no_certificate, sound):
                reload(relay, lambda _, now=text: now)
    relay.process.send_signal(signal.SIGTERM)
    for _ in range(20):
        relay.process.send_signal(signal.SIGHUP)
    check(relay.process.wait(300) == 0, f"the relay ended with {relay.process.returncode}")
    before = len(hop.taken)
    relay.start()
    wait_until(lambda: len(hop.taken) > before, "mail flows again")
    load.end()
    wanted = sorted(["first@example.net", *load.acknowledged])
    wait_until(lambda: sorted(hop.taken) == wanted or len(hop.taken) > len(wanted), "all that was acknowledged arrives")
    check(sorted(hop.taken) == wanted, "something arrived twice, or was never acknowledged")
    check(relay.request("GET", "/healthz")[0] == 200, "HTTP answers")
    wait_until(lambda: not hop.open and held(relay) == at_rest, f"descriptors and threads are {at_rest} again")
    print(f"    under load: {len(wanted)} acknowledged and delivered once; descriptors and threads at rest: {at_rest}")
    relay.stop()
    hop.close()


def run(context):
    context.folder.mkdir(exist_ok=True)
    reloads(context)
    restarts_without_refusing(context)
    drains(context)
    cuts_off(context)
    ends_whoever_stalls(context)
    ends_while_a_name_server_is_silent(context)
    faults_under_load(context)


HAND_ON = """
import fcntl, os, sys
given = [int(number) for number in sys.argv[1].split(",") if number]
# They may stand where others shall: out of the way first.
moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 3 + 2 * len(given)) for descriptor in given]
for descriptor in given:
    os.close(descriptor)
for number, descriptor in enumerate(moved):
    os.dup2(descriptor, 3 + number)
    os.close(descriptor)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """What systemd does for a unit with FileDescriptorStoreMax=: keeps the listening sockets over a restart, and hands them on."""

    def __init__(self, relay):
        self.relay = relay
        self.kept = []
        self.path = str(relay.folder / "notify")
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind(self.path)
        self.inbox.settimeout(300)

    def launch(self):
        """Returns when the relay says that it is ready."""
        given, self.kept = self.kept, []
        descriptors = [descriptor for _, descriptor in given]
        environment = {**os.environ, "NOTIFY_SOCKET": self.path, "LISTEN_FDNAMES": ":".join(name for name, _ in given)}
        # Handed on by a program of its own: code of ours between fork and exec could wait for a lock of a client's thread for good.
        command = [sys.executable, "-c", HAND_ON, ",".join(map(str, descriptors))]
        with open(self.relay.folder / "stderr", "ab") as errors:
            self.relay.process = subprocess.Popen([*command, self.relay.postern, "--config", str(self.relay.config), "serve"],
                                                  stdout=subprocess.DEVNULL, stderr=errors, pass_fds=descriptors, env=environment)
        while True:
            text, descriptors, _, _ = socket.recv_fds(self.inbox, 4096, 1)
            said = dict(line.split("=", 1) for line in text.decode().splitlines())
            if said.get("FDSTORE") == "1":
                self.kept.append((said["FDNAME"], descriptors[0]))
            if said.get("READY") == "1":
                break
        for _, descriptor in given:
            os.close(descriptor)

    def close(self):
        for _, descriptor in self.kept:
            os.close(descriptor)
        self.inbox.close()


def restarts_without_refusing(context):
    """SIGTERM and SIGKILL under clients that connect all the time: nobody is refused, what is acknowledged is there."""
    relay = context.relay(name="restarts")
    manager = Manager(relay)
    manager.launch()
    relay.account("restart")
    key = relay.key("restart", "--test")
    refused, acknowledged, stop = [], [], threading.Event()

    def send(number):
        while not stop.is_set():
            try:
                socket.create_connection(("127.0.0.1", relay.plain), 300).close()
            except OSError as error:
                refused.append(error)
                return
            try:
                with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
                    client.login("x", key)
                    client.sendmail("a@example.org", ["b@example.net"], PLAIN_MESSAGE)
                    acknowledged.append(number)
            except (smtplib.SMTPException, ConnectionResetError, BrokenPipeError):
                pass  # a session that was cut in the middle, or told 421: it comes again

    clients = [threading.Thread(target=send, args=(number,), daemon=True) for number in range(4)]
    for client in clients:
        client.start()
    for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        before = len(acknowledged)
        wait_until(lambda before=before: len(acknowledged) > before + 20 or refused, "clients are served")
        relay.process.send_signal(how)
        relay.process.wait(300)
        check(len(manager.kept) > 0, "the relay left its sockets with the manager")
        manager.launch()
    before = len(acknowledged)
    wait_until(lambda: len(acknowledged) > before + 20 or refused, "clients are served after the restarts")
    stop.set()
    for client in clients:
        client.join()
    check(not refused, f"refused over restarts: {refused[:3]}")
    stored = relay.json("message", "list", "--account", "restart", "--all")
    check(len(stored) >= len(acknowledged), f"{len(acknowledged)} acknowledged, {len(stored)} stored")
    # One listener less: its sockets are given back, and nobody is kept waiting on them.
    relay.stop()
    port, text = relay.implicit, relay.config.read_text()
    relay.config.write_text(text.replace(f'[[listener]]\naddress = "127.0.0.1"\nport = {port}\ntls = "implicit"\n', ""))
    check(relay.config.read_text() != text, "the listener was taken out")
    manager.launch()
    check(not any(name.endswith(f"-{port}") for name, _ in manager.kept), "its sockets are not kept")
    relay.stop()
    manager.close()


def reloads(context):
    first, first_pem = make_certificate(context.folder, "first")
    second, second_pem = make_certificate(context.folder, "second")
    relay = context.relay(extra=first)
    relay.start()
    open_session = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    check(over_implicit_tls(relay) == first_pem and over_starttls(relay) == first_pem, "the first certificate")

    reload(relay, lambda text: text.replace(first, second))
    check(over_implicit_tls(relay) == second_pem, "implicit TLS shows the second certificate")
    check(over_starttls(relay) == second_pem, "STARTTLS shows the second certificate")
    check(open_session.noop()[0] == 250, "the session that was open goes on")

    the_spf_of_a_route_is_taken_over(relay)

    missing = second.replace("second.crt", "missing.crt")
    reload(relay, lambda text: text.replace(second, missing))
    check("reload_failed" in (relay.folder / "log").read_text(), "a certificate that is not there is told")
    check("reload_failed: certificates" in (relay.folder / "stderr").read_text(), "on standard error too")
    check(over_implicit_tls(relay) == second_pem, "the certificate in force stays")
    told = (relay.folder / "log").read_text()
    check("taken_over=\"tls_certificate_file, tls_key_file, certificates\"" in told, f"what was taken over: {told[-2000:]}")
    check('problem="it does not name relay.postern.test"' in told, "a certificate of another name is warned of")

    # What a restart is needed for is named, each time.
    sound = relay.config.read_text()
    for _ in range(2):
        reload(relay, lambda text: sound.replace(missing, second).replace("relay.postern.test", "other.postern.test"))
        after = wait_until(lambda: lines(relay).rsplit(" reloaded ", 1)[1].partition("restart_needed ")[2], "a restart is needed")
        check(after.startswith("keys=hostname\n"), f"what a restart is needed for: {after}")
    relay.config.write_text(sound)

    the_log_cannot_be_opened(relay, open_session)
    no_descriptor_is_left(relay, open_session)

    # A log that was rotated is let go of whatever the configuration says.
    log = relay.folder / "log"
    log.rename(relay.folder / "log.1")
    sound = relay.config.read_text()
    relay.config.write_text("max_conections = 2\n" + sound)
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "reload_failed what=configuration" in log.read_text(), "the rotated log is let go of")
    relay.config.write_text(sound)

    # Two in all: one on one listener, one on another, and the third is refused on any.
    reload(relay, lambda text: text.replace(missing, second + "max_connections = 2\n"))
    # The connections above may be counted for a moment longer than they live.
    other_session = wait_until(lambda: admitted(relay.starttls), "a second connection is admitted")
    for port in (relay.plain, relay.starttls, relay.plain):
        check(admitted(port) is None, f"a third connection on port {port} is refused")
    other_session.quit()
    open_session.quit()
