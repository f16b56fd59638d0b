"""Mail hosts (port 25) and web hosts (port 443) of the laboratory, as the fixtures say."""

import asyncio
import ssl
import threading


class MailHost:
    """One address, with one certificate or none; keeps what it got."""

    def __init__(self, address, chain=None, key=None, keywords=(), replies=None, breaks_tls=False):
        self.address, self.keywords, self.replies, self.breaks_tls = address, list(keywords), dict(replies or {}), breaks_tls
        self.messages, self.sessions = [], 0
        self.context = None
        if chain:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(str(chain), str(key))

    async def serve(self, reader, writer):
        self.sessions += 1
        try:
            await self.talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError, ValueError):
            pass
        finally:
            writer.close()

    async def talk(self, reader, writer):
        is_tls = False
        envelope = None

        async def say(text):
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        await say("220 host.lab ESMTP")
        while line := (await reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb in self.replies:
                await say(self.replies[verb])
            elif verb == "EHLO":
                offered = ["host.lab", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", *self.keywords]
                if self.context and not is_tls:
                    offered.append("STARTTLS")
                await say("\r\n".join(f"250{'-' if one is not offered[-1] else ' '}{one}" for one in offered))
            elif verb == "STARTTLS":
                await say("220 go on")
                if self.breaks_tls:
                    return
                await writer.start_tls(self.context)
                is_tls = True
            elif verb == "MAIL":
                envelope = {"mail": line, "rcpt": [], "tls": is_tls}
                await say("250 ok")
            elif verb == "RCPT":
                envelope["rcpt"].append(line)
                await say("250 ok")
            elif verb == "DATA":
                await say("354 go on")
                lines = []
                while (part := await reader.readline()) not in (b".\r\n", b""):
                    lines.append(part)
                envelope["content"] = b"".join(lines)
                self.messages.append(envelope)
                await say("250 2.0.0 taken")
            elif verb == "QUIT":
                return await say("221 bye")
            else:
                await say("250 ok")


def policy_response(mode, pattern, how):
    """An MTA-STS policy over HTTP, or what is not quite one."""
    policy = f"version: STSv1\r\nmode: {mode}\r\nmx: {pattern}\r\nmax_age: 86400\r\n".encode()
    if how == "big":
        policy += b"x: y\r\n" * 12_000
    status = {"redirect": "301 Moved\r\nLocation: https://mta-sts.stsgood.ins/.well-known/mta-sts.txt", "gone": "404 Not Found"}
    kind = "text/html" if how == "html" else "text/plain; charset=utf-8"
    head = f"HTTP/1.1 {status.get(how, '200 OK')}\r\nContent-Type: {kind}\r\nContent-Length: {len(policy)}\r\n\r\n"
    return head.encode() + policy


class WebHost:
    """Answers each request with one response; keeps the requests."""

    def __init__(self, address, chain, key, response, port=443):
        self.address, self.response, self.port = address, response, port
        self.requests = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(str(chain), str(key))

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")), 0)
            body = await reader.readexactly(size) if size else b""
            self.requests.append((head, body))
            response = self.response() if callable(self.response) else self.response
            if response is not None:
                writer.write(response)
                await writer.drain()
            else:
                await asyncio.sleep(120)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Hosts:
    """All of them, on a thread of their own."""

    def __init__(self, mail, web):
        self.mail, self.web = mail, web
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait(30)

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        for host in self.mail:
            self.loop.run_until_complete(asyncio.start_server(host.serve, host.address, 25))
        for host in self.web:
            self.loop.run_until_complete(asyncio.start_server(host.serve, host.address, host.port, ssl=host.context))
        ready.set()
        self.loop.run_forever()
