"""Large messages on many connections: memory stays bounded."""

import os
import re
import smtplib
import threading

from support import check

FULL = os.environ.get("POSTERN_BIG") == "full"
CONNECTIONS = 100 if FULL else 20
OCTETS = 50_000_000 if FULL else 10_000_000
# A connection's window and buffer, with room for the allocator; and what the daemon needs without any of them.
ALLOWED_KIB_EACH = 1024
ALLOWED_KIB_BASE = 192 * 1024
ALLOWED_KIB_SANITIZED = 1024 * 1024  # AddressSanitizer keeps freed memory for a while (its quarantine alone is 256 MiB)


def memory_kib(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.M).group(1))


def send(port, key, results):
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=600) as client:
            client.login("big", key)
            client.mail("sender@example.org", [f"SIZE={OCTETS}"])
            client.rcpt("someone@example.net")
            client.docmd("DATA")
            line = b"x" * 998 + b"\r\n"
            client.sock.sendall(b"From: sender@example.org\r\nSubject: big\r\n\r\n")
            block = line * 64
            for _ in range((OCTETS - 200) // len(block)):
                client.sock.sendall(block)
            client.sock.sendall(b".\r\n")
            results.append(client.getreply()[0])
    except Exception as error:  # counted by the story
        results.append(repr(error))


def run(context):
    relay = context.relay(extra="max_connections_per_address = 1000\ncapture_max_octets = 20000000000")
    relay.account("big")
    key = relay.key("big", "--test")
    relay.start()
    before = memory_kib(relay.process.pid, "VmHWM")
    results = []
    threads = [threading.Thread(target=send, args=(relay.plain, key, results)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(results == [250] * CONNECTIONS, f"replies: {results}")
    # RssFile is LMDB's map: the page cache, which the kernel takes back when it wants to.
    own = memory_kib(relay.process.pid, "RssAnon")
    peak = memory_kib(relay.process.pid, "VmHWM")
    print(f"    {CONNECTIONS} connections x {OCTETS / 1e6:.0f} MB: anonymous memory {own / 1024:.0f} MiB afterwards; "
          f"peak resident {peak / 1024:.0f} MiB (before: {before / 1024:.0f} MiB), the store's map included")
    base = ALLOWED_KIB_SANITIZED if "asan" in str(context.postern) else ALLOWED_KIB_BASE
    check(own < base + CONNECTIONS * ALLOWED_KIB_EACH, f"anonymous memory: {own} KiB")
