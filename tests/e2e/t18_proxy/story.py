"""Listeners behind proxies: the client that the PROXY header names is the one that counts, and nobody else is believed."""

import base64
import socket
import smtplib
import ssl
import struct
import subprocess
import time

from support import PLAIN_MESSAGE, Failure, check, free_port, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT, OTHER, GUESSER = "192.0.2.7", "192.0.2.8", "198.51.100.66"


def version_1(source, port=4660):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {'::1' if ':' in source else '127.0.0.1'} {port} 587\r\n".encode()


def version_2(source, port=4660, tlvs=b""):
    family, kind = (0x21, socket.AF_INET6) if ":" in source else (0x11, socket.AF_INET)
    own = "::1" if ":" in source else "127.0.0.1"
    block = socket.inet_pton(kind, source) + socket.inet_pton(kind, own) + struct.pack("!HH", port, 587) + tlvs
    return SIGNATURE + bytes([0x21, family]) + struct.pack("!H", len(block)) + block


LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


class Proxied(smtplib.SMTP):
    """smtplib through a proxy that is this program."""

    def __init__(self, port, header):
        self.header = header
        super().__init__("127.0.0.1", port, timeout=300)

    def _get_socket(self, host, port, timeout):
        connection = socket.create_connection((host, port), timeout)
        connection.sendall(self.header)
        return connection


def tls():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def log_in(port, header, key):
    client = Proxied(port, header)
    client.starttls(context=tls())
    client.login("app", key)
    return client


def send(client):
    code, text = client.mail("sender@example.org")
    check(code == 250, f"MAIL: {code} {text}")
    check(client.rcpt("someone@example.net")[0] == 250, "RCPT")
    code, text = client.data(PLAIN_MESSAGE)
    check(code == 250, f"end of data: {code} {text}")
    return text.decode().split()[-1]


def raw(port, data):
    """Sends octets → what comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        connection.sendall(data)
        answer = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                return answer
            if not piece:
                return answer
            answer += piece


def http(port, header, path, key=None, secure=False):
    """One request through the proxy → (status, all of the answer)."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=300)
    connection.sendall(header)
    if secure:
        connection = tls().wrap_socket(connection)
    fields = f"Authorization: Bearer {key}\r\n" if key else ""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: relay\r\n{fields}Connection: close\r\n\r\n".encode())
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    connection.close()
    return int(answer.split(b" ", 2)[1]), answer


class Ports:
    def __init__(self):
        self.plain, self.starttls, self.implicit, self.http, self.https, self.strangers = (free_port() for _ in range(6))

    def tables(self):
        def table(kind, port, mode, networks='"127.0.0.1", "::1"', more=""):
            return f'[[{kind}]]\naddress = "127.0.0.1"\nport = {port}\ntls = "{mode}"\nproxy_networks = [{networks}]\n{more}\n'
        return (table("listener", self.plain, "none", more="allow_auth_without_tls = true") +
                table("listener", self.starttls, "starttls") + table("listener", self.implicit, "implicit") +
                table("http_listener", self.http, "none") + table("http_listener", self.https, "implicit") +
                table("listener", self.strangers, "starttls", '"203.0.113.0/24"'))


def clients_address(relay, sink, ports, key):
    for header, name in ((version_1(CLIENT), CLIENT),
                         (version_2("2001:db8::7", tlvs=b"\x02\x00\x05relay\x04\x00\x00"), "2001:db8::7")):
        client = log_in(ports.starttls, header, key)
        message_id = send(client)
        client.quit()
        relay.settled(message_id)
        delivered = next(m for m in sink.messages() if message_id.encode() in m.text)
        check(name in delivered.text.decode(), f"the trace header does not name {name}: {delivered.text[:600]}")
        wait_until(lambda: f"peer={name}" in (relay.folder / "log").read_text(), f"the log names {name}")


def curl(ports):
    done = subprocess.run(["curl", "-sk", "--haproxy-protocol", f"https://127.0.0.1:{ports.https}/healthz"],
                          capture_output=True, text=True, timeout=300)
    check(done.returncode == 0 and '"ok"' in done.stdout, f"curl over HTTPS: {done}")
    done = subprocess.run(["curl", "-sk", "--haproxy-protocol", "--ssl-reqd",
                           f"smtp://127.0.0.1:{ports.starttls}/client.example.org",
                           "-X", "NOOP"], capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, f"curl over SMTP: {done}")
    done = subprocess.run(["curl", "-sk", f"https://127.0.0.1:{ports.https}/healthz"], capture_output=True, text=True, timeout=300)
    check(done.returncode != 0, "curl without the header was served")


def split_everywhere(ports):
    for header in (version_1(CLIENT), version_2("2001:db8::7"), LOCAL):
        for cut in range(1, len(header)):
            with socket.create_connection(("127.0.0.1", ports.plain), timeout=300) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(header[:cut])
                connection.sendall(header[cut:] + b"QUIT\r\n")
                answer = b""
                while piece := connection.recv(4096):
                    answer += piece
                check(answer.startswith(b"220 ") and b"\r\n221 " in answer, f"cut at {cut}: {answer}")


def rights_of_loopback(ports, key):
    login = b"EHLO client.example.org\r\nAUTH PLAIN " + base64.b64encode(b"\0app\0" + key.encode()) + b"\r\nQUIT\r\n"
    for header, wanted in ((version_1(CLIENT), False), (b"PROXY UNKNOWN\r\n", False), (LOCAL, False),
                           (version_2("127.0.0.1"), True)):
        answer = raw(ports.plain, header + login)
        check((b"\r\n235 " in answer) == wanted, f"AUTH in the clear behind {header}: {answer}")
    for path, secure in (("/metrics", False), ("/metrics", True)):
        status, answer = http(ports.https if secure else ports.http, version_2(CLIENT), path, secure=secure)
        check(status == 403, f"{path} for a proxy's client: {answer[:200]}")
    check(http(ports.https, LOCAL, "/metrics", secure=True)[0] == 403, "/metrics for the proxy's own check")
    check(http(ports.http, version_1("127.0.0.1"), "/metrics")[0] == 200, "/metrics for a client on this machine")
    status, answer = http(ports.http, version_1(CLIENT), "/v1/emails", key)
    check(status == 403 and b"tls_required" in answer, f"HTTP in the clear for a proxy's client: {answer[:300]}")
    check(http(ports.http, LOCAL, "/healthz")[0] == 200, "the proxy's health check")


def networks_of_keys(relay, ports):
    bound = relay.key("app", "--test", "--network", CLIENT + "/32")
    log_in(ports.starttls, version_2(CLIENT), bound).quit()
    try:
        log_in(ports.starttls, version_2(OTHER), bound)
        raise Failure("a key was taken from outside its network")
    except smtplib.SMTPAuthenticationError as refused:
        check(b"key_network" in refused.smtp_error, str(refused))
    status, answer = http(ports.https, version_1(OTHER), "/v1/emails", bound, secure=True)
    check(status == 403 and b"key_network" in answer, f"over HTTP: {answer[:300]}")


def throttle(ports, key):
    """Whoever guesses is counted by the own address, not by the proxy's; a right key gets in from either."""
    login = b"AUTH PLAIN " + base64.b64encode(b"\0app\0" + key[:-4].encode() + b"0000") + b"\r\n"
    answers = b""
    for _ in range(12):  # the same wrong key again in one connection is no further guess
        client = Proxied(ports.starttls, version_1(GUESSER))
        client.starttls(context=tls())
        client.ehlo()
        for _ in range(3):
            try:
                code, text = client.docmd(login.decode().strip())
                answers += b"%d " % code + text
            except smtplib.SMTPServerDisconnected:
                break
        client.close()
    check(b"too_many_failures" in answers, f"{answers}")
    client = Proxied(ports.starttls, version_1(CLIENT))
    client.starttls(context=tls())
    client.ehlo()
    code, _ = client.docmd(login.decode().strip())
    check(code == 535, f"the proxy's other clients are shut out: {code}")
    client.close()
    for address in (GUESSER, CLIENT):
        log_in(ports.starttls, version_1(address), key).quit()


def not_believed(relay, ports):
    answer = raw(ports.strangers, b"")
    check(answer.startswith(b"421 4.7.0 "), f"a stranger at a proxies' port: {answer}")
    forms = {
        "no header": b"EHLO client.example.org\r\n",
        "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(64),
        "a broken header": b"PROXY TCP4 192.0.2.7 relay 1 2\r\n",
        "a UDP header": SIGNATURE + b"\x21\x12\x00\x0c" + bytes(12),
        "a header above the bound": SIGNATURE + b"\x21\x11\xff\xff" + bytes(12),
        "an endless line": b"PROXY UNKNOWN " + b"x" * 9000,
    }
    for name, octets in forms.items():
        for port in (ports.starttls, ports.implicit, ports.https):
            check(raw(port, octets) == b"", f"{name} was answered")
    started = time.monotonic()
    check(raw(ports.starttls, version_1(CLIENT)[:20]) == b"", "half a header was answered")
    check(time.monotonic() - started > 4, "half a header was not waited for")
    for cause in ("no PROXY header", "timed out", "the line is too long", "the block is too long"):
        line = f'proxy_header_refused peer=127.0.0.1 cause="{cause}"'
        wait_until(lambda: line in (relay.folder / "log").read_text(), f"the log says {cause}")
    # And where no proxy stands, its word counts for nothing.
    answer = raw(relay.plain, version_1(CLIENT))
    check(b"502 5.5.1" in answer, f"PROXY at a direct port: {answer}")


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port, extra='trace_client = "show"')
    ports = Ports()
    with relay.config.open("a") as config:
        config.write(ports.tables())
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    relay.start()
    clients_address(relay, sink, ports, key)
    with smtplib.SMTP_SSL("127.0.0.1", relay.implicit, context=tls(), timeout=300) as direct:
        direct.login("app", key)
    curl(ports)
    split_everywhere(ports)
    rights_of_loopback(ports, key)
    networks_of_keys(relay, ports)
    throttle(ports, key)
    not_believed(relay, ports)
