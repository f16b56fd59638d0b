"""An SMTP client that sends what it is told, octet by octet: for stories whose clients are hostile or broken."""

import base64
import socket

from support import check


class Raw:
    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=300, source_address=(source, 0))
        self.buffer = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # closed on us: the reply that says why may still be read

    def reply(self):
        """The next whole reply, b"" when the peer has closed."""
        lines = []
        while True:
            while b"\r\n" not in self.buffer:
                try:
                    got = self.socket.recv(65536)
                except ConnectionResetError:
                    got = b""
                if not got:
                    return b""
                self.buffer += got
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            lines.append(line)
            if line[3:4] != b"-":
                return b"\n".join(lines)

    def command(self, data):
        self.send(data + b"\r\n")
        return self.reply()


def greeted(port, source="127.0.0.1"):
    """A client that has read the greeting."""
    raw = Raw(port, source)
    raw.reply()
    return raw


def introduced(port, source="127.0.0.1"):
    """One that has said EHLO."""
    raw = greeted(port, source)
    raw.command(b"EHLO client.example.org")
    return raw


def logged_in(relay, key):
    raw = introduced(relay.plain)
    answer = raw.command(auth_plain(key))
    check(answer.startswith(b"235"), f"AUTH: {answer}")
    return raw


def in_data(relay, key):
    """One whose content is awaited."""
    raw = logged_in(relay, key)
    raw.command(b"MAIL FROM:<sender@example.org>")
    raw.command(b"RCPT TO:<someone@example.net>")
    check(raw.command(b"DATA").startswith(b"354"), "DATA")
    return raw


def auth_plain(key):
    return b"AUTH PLAIN " + base64.b64encode(b"\0ci\0" + key.encode())
