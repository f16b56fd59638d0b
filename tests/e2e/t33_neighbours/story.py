"""One account attacks by every way that its keys open, all at once, while another sends: nothing of the other's is refused or lost,
and each of its messages arrives once. What that costs in time, bench/neighbours.py measures."""

import base64
import contextlib
import http.client
import json
import smtplib
import socket
import socketserver
import threading

from support import check, wait_until

SECONDS = 15
MESSAGES = 100
ROUNDS = 3  # of each attack, before the quiet account begins


class Hop(socketserver.ThreadingTCPServer):
    """A next hop that notes whose mail came; at recipients of broken.example it hangs up."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.port = self.server_address[1]
        self.came = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with contextlib.suppress(ConnectionError):
            self.say("220 hop.example ESMTP")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT" and b"broken.example" in line:
                    return
                if verb == b"DATA":
                    self.say("354 go on")
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        if line.startswith(b"X-Quiet: "):
                            self.server.came.append(int(line[9:]))
                self.say("250 ok" if verb != b"QUIT" else "221 bye")
                if verb == b"QUIT":
                    return


class Attacks:
    """Each is repeated until it is told to end; `done` counts how often each came to its end."""

    def __init__(self, relay, live, test):
        self.relay, self.live, self.test = relay, live, test
        self.is_over = threading.Event()
        self.done = {}
        self.threads = []
        for attack, times in ((self.breaks_sessions, 4), (self.trickles, 20), (self.floods_with_test_mail, 4), (self.streams, 8),
                              (self.costly_json, 2), (self.asks_for_its_account, 4), (self.many_recipients, 1),
                              (self.makes_keys, 2), (self.refused_batches, 2), (self.asks_for_the_description, 2),
                              (self.wrong_keys, 4)):
            self.done[attack.__name__] = 0
            for _ in range(times):
                self.threads.append(threading.Thread(target=self.repeat, args=(attack,), daemon=True))
        for thread in self.threads:
            thread.start()

    def repeat(self, attack):
        while not self.is_over.is_set():
            with contextlib.suppress(OSError, smtplib.SMTPException, http.client.HTTPException):
                attack()
                self.done[attack.__name__] += 1

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def ask(self, method, path, body=None, key=None, most=1 << 20):
        connection = http.client.HTTPConnection("127.0.0.1", self.relay.http, timeout=30)
        with contextlib.closing(connection):
            fields = {"Authorization": f"Bearer {key or self.live}", "Content-Type": "application/json"}
            connection.request(method, path, body, fields)
            return connection.getresponse().read(most)

    def mail(self, key, recipient, text="text\r\n"):
        with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=30) as client:
            client.login("loud", key)
            for _ in range(20):
                client.sendmail("loud@loud.example", [recipient], f"From: loud@loud.example\r\nSubject: x\r\n\r\n{text}")

    def breaks_sessions(self):
        self.mail(self.live, "someone@broken.example")

    def floods_with_test_mail(self):
        self.mail(self.test, "a@fine.example", "t" * 70 + "\r\n" + ("u" * 70 + "\r\n") * 3000)

    def trickles(self):
        auth = base64.b64encode(b"\0loud\0" + self.test.encode())
        with socket.create_connection(("127.0.0.1", self.relay.plain), timeout=30) as s:
            s.sendall(b"EHLO loud.example\r\nAUTH PLAIN " + auth + b"\r\nMAIL FROM:<loud@loud.example>\r\n"
                      b"RCPT TO:<a@fine.example>\r\nDATA\r\n" + b"Subject: x\r\n\r\n" + (b"t" * 70 + b"\r\n") * 14_000)
            self.done["trickles"] += 1
            while not self.is_over.wait(0.2):  # an octet now and then is the attack
                s.sendall(b"t")

    def streams(self):
        self.ask("GET", "/v1/events?limit=100")
        with socket.create_connection(("127.0.0.1", self.relay.http), timeout=30) as s:
            s.sendall(b"GET /v1/events/stream?after=evt_1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                      b"Authorization: Bearer " + self.live.encode() + b"\r\n\r\n")
            s.recv(4096)

    def costly_json(self):
        self.ask("POST", "/v1/emails", b'{"x":[' + b"0," * 2_000_000 + b"0]}")

    def asks_for_its_account(self):
        self.ask("GET", "/v1/account", key=self.test)

    def many_recipients(self):
        self.ask("POST", "/v1/emails", json.dumps({"from": "loud@loud.example", "subject": "x", "text": "t",
                                                   "to": [f"r{i}@simulator.invalid" for i in range(1000)]}), self.test)

    def makes_keys(self):
        self.ask("POST", "/v1/api-keys", json.dumps({"name": "one more", "environment": "test"}))

    def refused_batches(self):
        self.ask("POST", "/v1/emails/batch", json.dumps([{"from": "loud@loud.example", "to": ["no address"] * 500, "subject": "x",
                                                          "text": "t"}] * 100))

    def asks_for_the_description(self):
        with socket.create_connection(("127.0.0.1", self.relay.http), timeout=30) as s:
            s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)
            s.recv(1 << 16)

    def wrong_keys(self):
        with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=30, source_address=("127.0.0.2", 0)) as client, \
                contextlib.suppress(smtplib.SMTPAuthenticationError):
            client.login("loud", "pk_live_" + "0" * 48)



def run(context):
    hop = Hop()
    relay = context.relay(next_hop_port=hop.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 5\n")
    relay.account("quiet", "--mode", "production")
    relay.account("loud", "--mode", "production", "--plan", "unlimited")
    relay.cli("account", "set-plan", "quiet", "--per-second", "1000")  # its own rate is not what is asked for
    quiet = relay.key("quiet", "--live")
    reader = relay.key("quiet", "--live", "--permission", "full_access")
    live, test = relay.key("loud", "--live", "--permission", "full_access"), relay.key("loud", "--test")
    relay.start()
    attacks = Attacks(relay, live, test)
    wait_until(lambda: min(attacks.done.values()) >= ROUNDS, "every attack is under way")
    client = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    check(client.login("quiet", quiet)[0] == 235, "the quiet account is let in")
    for number in range(MESSAGES):
        text = f"From: quiet@quiet.example\r\nX-Quiet: {number}\r\nSubject: hello\r\n\r\ntext\r\n"
        client.sendmail("quiet@quiet.example", ["someone@fine.example"], text)
    client.quit()
    status, listed, _ = relay.request("GET", "/v1/emails?limit=100", key=reader)
    check(status == 200 and len(listed["data"]) == 100, f"the quiet account reads its mail: {status} {str(listed)[:300]}")
    wait_until(lambda: len(hop.came) >= MESSAGES, "all of the quiet account's mail arrives")
    attacks.end()
    check(sorted(hop.came) == list(range(MESSAGES)), f"{len(hop.came)} arrived of {MESSAGES}")
    check(relay.process.poll() is None, "the relay lives")
    print(f"    {MESSAGES} messages went through; meanwhile: {', '.join(f'{name} {n}' for name, n in attacks.done.items())}")
    relay.stop()
    hop.shutdown()
