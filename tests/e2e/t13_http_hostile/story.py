"""Hostile HTTP: a clear 4xx or a close, bounded memory, nothing in the log that should not be there, and the relay serves on."""

import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import socket
import ssl

from support import check, wait_until

SECONDS = 30
CANARY = "canary-value-that-no-log-may-hold"


def exchange(relay, data):
    """Sends raw octets → all that comes back, and whether the server closed: where it did not, it answers one request more."""
    with socket.create_connection(("127.0.0.1", relay.http), timeout=300) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass
        answer, has_asked = b"", False
        while piece := receive(connection):
            answer += piece
            if is_whole(answer) and not has_asked:
                has_asked = True
                with contextlib.suppress(OSError):
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n")
        return answer, answer.count(b"HTTP/1.1 ") <= 1


def receive(connection):
    """b"" for either kind of end."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def is_whole(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next((int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")), None)
    return length is not None and len(body) >= length


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def smuggling(relay, key):
    auth = b"Authorization: Bearer " + key.encode() + b"\r\n"
    start = b"POST /v1/emails HTTP/1.1\r\nHost: relay\r\n" + auth + b"Content-Type: application/json\r\n"
    hidden = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    forms = {
        "both lengths": start + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "two Content-Lengths": start + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + hidden,
        "equal Content-Lengths": start + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "a signed length": start + b"Content-Length: +2\r\n\r\n{}" + hidden,
        "a list of lengths": start + b"Content-Length: 2, 2\r\n\r\n{}" + hidden,
        "an overflowing length": start + b"Content-Length: 18446744073709551618\r\n\r\n{}" + hidden,
        "a folded field": start + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "a blank before the colon": start + b"Content-Length : 2\r\n\r\n{}" + hidden,
        "an unknown coding": start + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden,
        "a disguised coding": start + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
        "a coding twice": start + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
        "a tab before the coding": start + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + hidden,
        "a bare LF": start.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + hidden,
        "a bare CR in a field": start + b"X-A: b\rContent-Length: 2\r\n\r\n{}" + hidden,
        "a NUL in a field": start + b"X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        "a chunk size with a sign": start + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + hidden,
        "a chunk size that overflows": start + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" + hidden,
        "a chunk without its CR LF": start + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + hidden,
        "no Host": b"GET /healthz HTTP/1.1\r\n\r\n" + hidden,
        "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden,
        "chunked in HTTP/1.0": start.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "no HTTP at all": b"EHLO client.example.org\r\n\r\n",
        "a TLS hello": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 64 + b"\r\n\r\n",
    }
    for name, data in forms.items():
        answer, closed = exchange(relay, data)
        check(closed, f"{name}: a second request was answered: {answer}")
        check(400 <= status_of(answer) < 506 if answer else True, f"{name}: {answer[:200]}")


def sizes(relay, key):
    long_field = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 20000 + b"\r\n\r\n"
    many_fields = b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(2000)) + b"\r\n"
    long_target = b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    big = (b"POST /v1/api-keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() +
           b"\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{")
    for wanted, data in ((431, long_field), (431, many_fields), (414, long_target), (413, big)):
        answer, closed = exchange(relay, data)
        check(status_of(answer) == wanted and closed, f"wanted {wanted} and a close: {answer[:200]}")


def base64url(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


def tokens(relay):
    status, signed, _ = relay.request("POST", "/v1/auth/signup", {"email": "who@example.org", "password": "a long enough password"})
    check(status == 201, f"sign-up: {status} {signed}")
    good = signed["token"]
    head, payload, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    check(header["alg"] == "HS256", f"{header}")
    check(relay.request("GET", "/v1/auth/me", key=good)[0] == 200, "the token itself")

    def signed_with(secret, algorithm="HS256", **changes):
        text = base64url(dict(header, alg=algorithm)) + "." + base64url(dict(claims, **changes))
        return text + "." + base64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())

    forms = {
        "alg none": base64url({"alg": "none", "typ": "JWT"}) + "." + payload + ".",
        "alg None with the signature": base64url({"alg": "None"}) + "." + payload + "." + signature,
        "a changed payload": head + "." + base64url(dict(claims, acc="acc_0000000000000000")) + "." + signature,
        "a later expiry": head + "." + base64url(dict(claims, exp=claims["exp"] + 10**6)) + "." + signature,
        "an empty secret": signed_with(b""),
        "a guessed secret": signed_with(b"secret"),
        "HS512 in name": signed_with(b"secret", algorithm="HS512"),
        "a kid that is a path": base64url(dict(header, kid="../../../dev/null")) + "." + payload + "." + signature,
        "no signature": head + "." + payload + ".",
        "cut off": good[:-4],
        "a fourth part": good + ".x",
    }
    for name, token in forms.items():
        status, answer, _ = relay.request("GET", "/v1/auth/me", key=token)
        check(status == 401 and answer["name"] in ("invalid_credentials", "invalid_key"), f"{name}: {status} {answer}")
    for field in ("Basic " + base64.b64encode(b"a:b").decode(), "Bearer", "Bearer  ", "bearer\t" + CANARY, CANARY):
        status, answer, _ = relay.request("GET", "/v1/auth/me", headers={"Authorization": field})
        check(status == 401, f"Authorization {field!r}: {status}")


def bodies(relay, key):
    def post(body, content_type="application/json"):
        return relay.request("POST", "/v1/emails", body, key=key, headers={"Content-Type": content_type})

    good = b'{"from": "a@example.org", "to": "delivered@simulator.postern.test", "subject": "s", "text": "t"}'
    check(post(good)[0] == 200, "a sound message")
    for name, body, wanted in (
        ("deep arrays", b"[" * 100000, 400),
        ("deep objects", b'{"a":' * 50000 + b"1" + b"}" * 50000, 400),
        ("unfinished", good[:-1], 400),
        ("trailing garbage", good + b"x", 400),
        ("invalid UTF-8", good.replace(b'"t"', b'"\xff\xfe"'), 400),
        ("an overlong form", good.replace(b'"t"', b'"\xc0\x80"'), 400),
        ("a lone surrogate", good.replace(b'"t"', rb'"\ud800"'), 400),
        ("a huge number", good.replace(b'"t"', b"1" * 5000), 422),
        ("a list", b"[]", 422),
        ("nothing", b"", 422),
    ):
        status, answer, _ = post(body)
        check(status in (wanted, 400), f"{name}: {status} {answer}")
    check(post(good, "text/plain")[0] == 415, "a foreign content type")


def injection(relay, key):
    base = {"from": "a@example.org", "to": ["delivered@simulator.postern.test"], "subject": "s", "text": "t"}
    evil = "x\r\nBcc: victim@example.net\r\nX-Injected: yes"
    tries = {
        "from": dict(base, **{"from": f"Name {evil} <a@example.org>"}),
        "to": dict(base, to=[f"b@example.net{evil}"]),
        "cc": dict(base, cc=[f"{evil} <b@example.net>"]),
        "reply_to": dict(base, reply_to=f"b@example.net{evil}"),
        "subject": dict(base, subject=evil),
        "header name": dict(base, headers={f"X-A: b{evil}": "c"}),
        "header value": dict(base, headers={"X-A": evil}),
        "a structural header": dict(base, headers={"Content-Type": "text/html"}),
        "attachment name": dict(base, attachments=[{"filename": f"a{evil}.txt", "content": "AAAA"}]),
        "attachment type": dict(base, attachments=[{"filename": "a.txt", "content": "AAAA", "content_type": f"text/plain{evil}"}]),
        "content id": dict(base, attachments=[{"filename": "a.txt", "content": "AAAA", "content_id": f"a>{evil}"}]),
        "tag": dict(base, tags=[{"name": "a", "value": evil}]),
    }
    for name, body in tries.items():
        status, answer, _ = relay.request("POST", "/v1/emails", body, key=key)
        check(status in (200, 422), f"{name}: {status} {answer}")
        if status == 200:
            _, raw, _ = relay.request("GET", f"/v1/emails/{answer['id']}/raw", key=key)
            head = raw.split(b"\r\n\r\n")[0].lower()
            check(b"\r\nx-injected:" not in raw.lower() and b"\r\nbcc:" not in head, f"{name}: injected\n{raw.decode()}")


def paths(relay):
    for target in (b"/../../../../etc/passwd", b"/v1/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/v1/emails/..%2f..%2fetc",
                   b"//etc/passwd", b"/v1/emails/%00", b"/v1/emails/%zz", b"/\xff\xfe", b"http://other/healthz/x", b"*"):
        answer, _ = exchange(relay, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        check(status_of(answer) in (400, 401, 404), f"{target}: {answer[:100]}")
        check(b"root:" not in answer, f"{target}: a file")


def slow(relay):
    """A client that drips its header section is cut off; the relay answers others meanwhile."""
    drip = socket.create_connection(("127.0.0.1", relay.http), timeout=0.2)
    octets = iter(b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 3000)  # below the bound of a header section

    def is_cut_off():
        check(relay.request("GET", "/healthz")[0] == 200, "another client waits")
        try:
            drip.sendall(bytes([next(octets)]))
            return drip.recv(1000) is not None
        except TimeoutError:
            return False
        except OSError:
            return True
    wait_until(is_cut_off, "a dripping client is cut off")
    drip.close()


def run(context):
    relay = context.relay(extra='signup = "open"\nauth_failures_per_address = 1000\n')
    relay.account("team")
    key = relay.key("team", "--test", "--permission", "full_access")
    relay.start()
    smuggling(relay, key)
    sizes(relay, key)
    tokens(relay)
    bodies(relay, key)
    injection(relay, key)
    paths(relay)
    slow(relay)
    secure = ssl.create_default_context()
    secure.check_hostname, secure.verify_mode = False, ssl.CERT_NONE
    with secure.wrap_socket(socket.create_connection(("127.0.0.1", relay.https), timeout=300)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        check(connection.recv(4096).startswith(b"HTTP/1.1 200"), "HTTPS")
    rss = int(next(l for l in pathlib.Path(f"/proc/{relay.process.pid}/status").read_text().splitlines()
                   if l.startswith("VmRSS")).split()[1])
    relay.stop()
    log = (relay.folder / "log").read_text(errors="replace")
    for secret in (CANARY, key, "a long enough password", "eyJ", "X-Injected"):
        check(secret not in log, f"the log holds {secret!r}")
    print(f"   resident at the end: {rss // 1024} MiB")
