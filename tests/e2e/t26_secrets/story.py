"""No key, password or token stays in the relay's memory once it has been judged or handed out: a core dump, or whoever reads the
process, finds none. Every door and every mechanism, then the writable memory of the process is searched."""

import base64
import http.client
import json
import os
import re
import resource
import smtplib
import ssl
import subprocess

from support import Failure, check, wait_until

PASSWORD = "correct horse battery staple 7319"
EMAIL = "person@example.org"
CHUNK_OCTETS = 1 << 20
LARGEST_REGION = 4 << 30  # what is larger is a sanitizer's map of the address space


def forms(secret):
    """How a secret may stand in memory: as it is, and in base64 at each of the three places in a group."""
    octets = secret.encode()
    found = {"plain": octets}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + octets)
        # What the neighbours' bits are part of is left out.
        found[f"base64 +{shift}"] = text[4 if shift else 0:-4]
    return found


def writable_regions(pid):
    for line in open(f"/proc/{pid}/maps"):
        span, permissions, _, _, _, *name = line.split()
        begin, end = (int(bound, 16) for bound in span.split("-"))
        if "w" in permissions and "mdb" not in "".join(name) and end - begin <= LARGEST_REGION:
            yield begin, end, "".join(name) or "anonymous"


def search(relay, secrets):
    """→ what was found where."""
    patterns = {f"{name}, {form}": octets for name, secret in secrets.items() for form, octets in forms(secret).items()}
    longest = max(map(len, patterns.values()))
    pattern = re.compile(b"|".join(re.escape(p) for p in patterns.values()))
    names = {octets: name for name, octets in patterns.items()}
    found, octets_read = [], 0
    with open(f"/proc/{relay.process.pid}/mem", "rb", buffering=0) as memory:
        for begin, end, region in writable_regions(relay.process.pid):
            tail = b""
            for place in range(begin, end, CHUNK_OCTETS):
                try:
                    memory.seek(place)
                    octets = memory.read(min(CHUNK_OCTETS, end - place))
                except OSError:
                    break  # a guard page, or gone meanwhile
                octets_read += len(octets)
                block = tail + octets
                for match in pattern.finditer(block):
                    around = block[max(0, match.start() - 40):match.end() + 40]
                    found.append(f"{names[match.group()]} in {region}: {around}")
                tail = octets[-longest:]
    return found, octets_read


def search_until_clean(relay, secrets):
    """→ how much was searched. An answer is out a moment before what it was made of is wiped; what is forgotten stays."""
    last = []

    def is_clean():
        last[:] = search(relay, secrets)
        return not last[0]
    try:
        wait_until(is_clean, "no secret is in memory", 20)
    except Failure:
        raise Failure("secrets in memory:\n" + "\n".join(last[0][:40])) from None
    return last[1]


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def smtp_sessions(relay, key, refused):
    doors = {"plain": lambda: smtplib.SMTP("127.0.0.1", relay.plain, timeout=300),
             "starttls": lambda: smtplib.SMTP("127.0.0.1", relay.starttls, timeout=300),
             "implicit": lambda: smtplib.SMTP_SSL("127.0.0.1", relay.implicit, timeout=300, context=unverified())}
    kept = []
    for door, connect in doors.items():
        for mechanism in ("auth_plain", "auth_login"):
            for secret in (key, refused):
                client = connect()
                if door == "starttls":
                    client.starttls(context=unverified())
                client.ehlo()
                client.user, client.password = "app", secret
                try:
                    client.auth(mechanism[5:].upper(), getattr(client, mechanism))
                except smtplib.SMTPAuthenticationError:
                    check(secret == refused, f"{door} {mechanism} refused the key")
                client.noop()
                if mechanism == "auth_plain":
                    kept.append(client)  # an open session keeps none either
                else:
                    client.quit()
    return kept


def connect_http(relay, is_tls):
    if is_tls:
        return http.client.HTTPSConnection("127.0.0.1", relay.https, timeout=300, context=unverified())
    return http.client.HTTPConnection("127.0.0.1", relay.http, timeout=300)


def ask(connection, method, path, token, body=None):
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        fields["Content-Type"] = "application/json"
    connection.request(method, path, json.dumps(body) if body is not None else None, fields)
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"{}")


def http_requests(relay, key, refused):
    """→ (connections that stay open, the secrets that were handed out)."""
    kept, made = [], {}
    for is_tls in (False, True):
        connection = connect_http(relay, is_tls)
        check(ask(connection, "GET", "/v1/emails", key)[0] == 200, "the key is refused over HTTP")
        check(ask(connection, "GET", "/v1/emails", refused)[0] == 401, "a wrong key is taken over HTTP")
        status, answer = ask(connection, "POST", "/v1/api-keys", key, {"name": f"made {is_tls}", "environment": "test"})
        check(status in (200, 201), f"{status} {answer}")
        made[f"a key made over HTTP (tls {is_tls})"] = answer["token"]
        status, answer = ask(connection, "POST", "/v1/auth/login", None, {"email": EMAIL, "password": PASSWORD})
        check(status == 200, f"{status} {answer}")
        made[f"a session token (tls {is_tls})"] = answer["token"]
        check(ask(connection, "GET", "/v1/usage", answer["token"])[0] == 200, "the session token is refused")
        kept.append(connection)
    return kept, made


def run(context):
    relay = context.relay()
    relay.account("app")
    key = relay.key("app", "--test", "--permission", "full_access")
    refused = key[:20] + key[20:][::-1]
    relay.start()
    check(resource.prlimit(relay.process.pid, resource.RLIMIT_CORE) == (0, 0), "a core dump may be written")
    subprocess.run([relay.postern, "--config", str(relay.config), "user", "create", "app", EMAIL], input=PASSWORD + "\n", text=True,
                   check=True, capture_output=True)
    if os.getuid() != 0:
        print("    not root: the memory of a process that is not dumpable cannot be read")
        return
    kept = smtp_sessions(relay, key, refused)
    connections, made = http_requests(relay, key, refused)
    secrets = {"the key": key, "a refused key": refused, "the password": PASSWORD, **made}
    search_until_clean(relay, secrets)
    for client in [*kept, *connections]:
        client.close()
    octets = search_until_clean(relay, secrets)
    print(f"    {len(secrets)} secrets in {len(forms('x'))} forms, {octets >> 20} MiB searched "
          "with sessions open and after them: none found")
