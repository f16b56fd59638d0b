"""openapi.json holds: it is sound, and every operation of it is asked with success and without; each answer is validated against
the document. An operation that has no case here fails the story, and so does an answer that the document does not tell of."""

import http.client
import json
import pathlib
import re
import shutil
import smtplib
import subprocess
import sys
import urllib.parse

from name_server import NameServer
from support import check, free_port, wait_until

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from document import Document  # noqa: E402
import hostile  # noqa: E402
from typescript import typescript  # noqa: E402

SECONDS = 145
PASSWORD = "correct horse battery"
SIMULATED = "delivered@simulator.postern.test"


def compiles(folder, document):
    """A client that knows nothing but the document's types needs no cast, and its mistakes are found."""
    (folder / "openapi.ts").write_text(typescript(document))
    shutil.copy(HERE / "client.ts", folder)
    options = "--strict --noEmit --target es2022 --lib es2022,dom --module es2022 --moduleResolution node".split()
    done = subprocess.run(["tsc", *options, "client.ts"], cwd=folder, capture_output=True, text=True)
    check(done.returncode == 0, f"the typed client does not compile: {done.stdout}")


class Api:
    """Calls by operationId; every answer is held to the document."""

    def __init__(self, relay):
        self.relay = relay
        self.document = Document(relay.request("GET", "/openapi.json")[1])
        self.successes = {}  # the call that succeeded
        self.failed = set()

    def target(self, name, path, query):
        target = self.document.operations[name][1]
        for parameter, value in path.items():
            target = target.replace("{" + parameter + "}", str(value))
        return target + ("?" + query if query else "")

    def call(self, name, key=None, body=None, query="", headers=None, path=None):
        method = self.document.operations[name][0]
        path = path or {}
        status, answer, fields = self.relay.request(method, self.target(name, path, query), body, key, headers)
        self.document.check_answer(name, status, fields.get("content-type", ""), answer)
        if status >= 400:
            check(answer["statusCode"] == status and answer["message"], f"{name}: {answer}")
            self.failed.add(name)
        return status, answer, fields

    def succeed(self, name, key=None, body=None, **rest):
        status, answer, _ = self.call(name, key, body, **rest)
        check(status < 300, f"{name}: {status} {answer}")
        self.successes[name] = {"key": key, "body": body, "query": "", "headers": None, "path": {}, **rest}
        return answer

    def refuse(self, name, status, problem, key=None, body=None, **rest):
        seen, answer, _ = self.call(name, key, body, **rest)
        check((seen, answer["name"]) == (status, problem), f"{name}: wanted {status} {problem}: {seen} {answer}")


def mailed_link(api):
    """The last path segment of the link in the next mail that asks an address, and the code in it."""
    def unseen():
        found = [re.search(rb"/v1/confirm/(acc_\w+\.(\w+))", mail.text) for mail in api.sink.messages()]
        return [link for link in found if link and link[1] not in api.seen]
    wait_until(unseen, "a mail that asks an address")
    link = unseen()[0]
    api.seen.add(link[1])
    return link[1].decode(), link[2].decode()


def session(api):
    account = {"email": "ada@example.org", "password": PASSWORD}
    token = api.succeed("signUp", body=account)["token"]
    api.refuse("addSandboxEmail", 409, "conflict", key=token, body={"email": "friend@example.net"})
    mailed_link(api)
    api.succeed("sendVerification", key=token)
    link, _ = mailed_link(api)
    api.refuse("showConfirmation", 404, "not_found", path={"token": "acc_0.0"})
    api.refuse("confirmByLink", 404, "not_found", path={"token": link + "0"})
    api.succeed("showConfirmation", path={"token": link})
    api.succeed("confirmByLink", path={"token": link})
    api.refuse("sendVerification", 409, "conflict", key=token)
    leaving = api.relay.request("POST", "/v1/auth/login", account)[1]["token"]
    api.succeed("logOut", key=leaving)
    api.refuse("getMe", 401, "invalid_credentials", key=leaving)
    api.successes["logOut"]["key"] = token  # what is tried with it later is refused before it signs out
    api.refuse("signUp", 409, "conflict", body=account)
    api.refuse("signUp", 422, "validation_error", body={"email": "eve@example.org", "password": "short"})
    api.succeed("logIn", body=account)
    api.refuse("logIn", 401, "invalid_credentials", body={**account, "password": "wrong horse battery"})
    api.succeed("getMe", key=token)
    return token


def keys(api, token):
    for names in (("listApiKeys", "createApiKey", "getApiKey", "changeApiKey", "removeApiKey", "rotateApiKey"),
                  ("listAuthApiKeys", "createAuthApiKey", "getAuthApiKey", "changeAuthApiKey", "removeAuthApiKey",
                   "rotateAuthApiKey")):
        listing, create, show, change, remove, rotate = names
        made = api.succeed(create, key=token, body={"name": "app", "expires_in_days": 3, "networks": ["127.0.0.0/8"],
                                                    "per_second": 5})
        path = {"id": made["id"]}
        api.succeed(listing, key=token, query="limit=1")
        api.succeed(show, key=token, path=path)
        api.succeed(change, key=token, path=path, body={"name": "other", "expires_at": None})
        api.succeed(rotate, key=token, path=path, body={"overlap": "1h"})
        api.refuse(rotate, 409, "conflict", key=token, path=path, body={})
        api.succeed(remove, key=token, path=path)
    live = api.relay.request("POST", "/v1/api-keys", {"name": "live"}, token)[1]["token"]
    test = api.relay.request("POST", "/v1/api-keys", {"name": "test", "environment": "test"}, token)[1]["token"]
    sending = api.relay.request("POST", "/v1/api-keys", {"name": "sending", "permission": "sending_access"}, token)[1]["token"]
    return live, test, sending


def mail(to, **rest):
    return {"from": "Ada <ada@example.org>", "to": [to], "subject": "Grüße", "text": "Hello", **rest}


def sending(api, test):
    attached = api.succeed("sendEmail", key=test, headers={"Idempotency-Key": "once"}, body=mail(
        SIMULATED, html="<p>Hello</p>", tags=[{"name": "kind", "value": "receipt"}], headers={"X-Order": "17"},
        reply_to="b@example.org",
        attachments=[{"filename": "a.txt", "content": "aGVsbG8=", "content_id": "logo"}]))
    api.refuse("sendEmail", 409, "idempotency_conflict", key=test, headers={"Idempotency-Key": "once"}, body=mail("b@example.org"))
    api.successes["sendEmail"].update(headers=None, body=mail(SIMULATED, cc=[], bcc=[], reply_to=[], html="x", headers={},
                                                              tags=[], attachments=[]))
    api.succeed("sendEmailAlias", key=test, body=mail(SIMULATED))
    api.succeed("sendBatch", key=test, body=[mail(SIMULATED), mail(SIMULATED)])
    api.call("sendBatch", key=test, body=[mail(SIMULATED), {}], headers={"X-Batch-Validation": "permissive"})
    api.succeed("explain", key=test, body={"from": "ada@example.org", "to": [SIMULATED], "size": 100, "headers": {"X-A": "b"}})
    return attached["id"]


def unsubscribing(api, test):
    id = api.succeed("sendEmail", key=test, body=mail(SIMULATED, headers={"X-Postern-Unsubscribe": "news"}))["id"]
    raw = api.relay.request("GET", f"/v1/emails/{id}/raw", key=test)[1].decode()
    path = {"token": re.search(r"^List-Unsubscribe: <.*/v1/unsubscribe/(\w+)>", raw, re.M)[1]}
    api.succeed("showUnsubscribe", path=path)
    api.succeed("unsubscribe", path=path)
    for name in ("showUnsubscribe", "unsubscribe"):
        api.refuse(name, 404, "not_found", path={"token": path["token"][:-1]})


def runs(api, key):
    api.succeed("createRun", key=key, body={"run": "made", "label": "for people", "seed": 7, "expires_in_seconds": 60})
    api.refuse("createRun", 409, "conflict", key=key, body={"run": "made"})
    api.refuse("createRun", 422, "validation_error", key=key, body={"run": "../" * 30})
    api.succeed("listRuns", key=key)
    api.succeed("listScripts", key=key)
    api.call("createRun", key=key, body={"run": "clock", "clock": True, "script": {"name": "n", "rules": [
        {"stage": "rcpt", "to": "*@x", "attempt": "1-2", "chance": 0.5, "reply": "451 4.7.1 later"}]}})
    api.succeed("advanceRun", key=key, path={"run": "clock"}, body={"seconds": 60, "max_steps": 5})
    api.refuse("advanceRun", 422, "validation_error", key=key, path={"run": "clock"}, body={"seconds": 60, "next": True})
    api.refuse("advanceRun", 404, "not_found", key=key, path={"run": "made"}, body={"next": True})
    api.succeed("getRunJournal", key=key, path={"run": "clock"})
    api.succeed("exportRun", key=key, path={"run": "clock"})
    with smtplib.SMTP("127.0.0.1", api.relay.plain, timeout=60) as client:
        client.login("clock", key)
        client.sendmail("ada@example.org", [SIMULATED], "Subject: x\r\n\r\nx\r\n")
    said = api.call("waitForRunMail", key=key, path={"run": "clock"}, body={"timeout_seconds": 30})[1]["data"][0]["id"]
    # It is written a moment after the message.
    wait_until(lambda: api.relay.request("GET", f"/v1/test/runs/clock/transcripts/{said}", None, key)[0] == 200, "a transcript")
    api.succeed("getRunTranscript", key=key, path={"run": "clock", "id": said})
    api.refuse("getRunTranscript", 404, "not_found", key=key, path={"run": "made", "id": said})
    api.refuse("getRunTranscript", 404, "not_found", key=key, path={"run": "clock", "id": "nothing"})
    api.refuse("exportRun", 422, "validation_error", key=key, path={"run": "made"})
    api.refuse("exportRun", 404, "not_found", key=key, path={"run": "none"})
    api.refuse("createRun", 422, "validation_error", key=key, body={"script": {"rules": [{"stage": "rcpt", "reply": "200 ok"}]}})
    api.refuse("createRun", 422, "validation_error", key=key, body={"script": "[" * 10000})
    api.succeed("getRun", key=key, path={"run": "made"})
    api.refuse("getRun", 404, "not_found", key=key, path={"run": "none"})
    path = {"run": "ci%201"}
    api.succeed("waitForRunMail", key=key, path=path, body={"to": SIMULATED, "kind": "mail", "count": 1, "timeout_seconds": 0})
    api.refuse("waitForRunMail", 422, "validation_error", key=key, path=path, body={"to": "*" * 2000})
    api.refuse("waitForRunMail", 422, "validation_error", key=key, path=path, body={"timeout_seconds": 1e300})
    api.succeed("extractFromRunMail", key=key, path=path, body={"to": "*@*"})
    api.refuse("extractFromRunMail", 404, "not_found", key=key, path=path, body={"to": "x@example.org"})
    api.succeed("checkRunMail", key=key, path=path, body={"to": "*@*"})
    api.refuse("checkRunMail", 404, "not_found", key=key, path=path, body={"to": "x@example.org"})
    api.refuse("checkRunMail", 422, "validation_error", key=key, path=path, body={"to": ["x"]})
    api.succeed("assertRunMail", key=key, path=path,
                body={"expect": [{"to": SIMULATED, "header": {"Subject": True, "X-None": False}, "text": ["x"], "max_octets": 1}]})
    api.refuse("assertRunMail", 422, "validation_error", key=key, path=path, body={"expect": [{"to": 7}] * 101})


def mailpit(api, key):
    """A run as Mailpit's readers see it: of the mail with an attachment, which belongs to no run, nothing is there."""
    sent = api.call("sendEmail", key=key, body=mail(SIMULATED, run="pit", attachments=[{"filename": "a.txt", "content": "aGk="}]))
    path = {"run": "pit", "id": sent[1]["id"]}
    api.succeed("listMailpitMessages", key=key, path=path, query="limit=1&start=0")
    api.succeed("searchMailpitMessages", key=key, path=path, query="query=to%3Asimulator")
    api.refuse("searchMailpitMessages", 422, "validation_error", key=key, path=path, query="query=larger%3A1")
    part = api.succeed("getMailpitMessage", key=key, path=path)["Attachments"][0]["PartID"]
    for name in ("getMailpitHeaders", "getMailpitRaw"):
        api.succeed(name, key=key, path=path)
    api.succeed("getMailpitPart", key=key, path={**path, "part": part})
    api.refuse("getMailpitMessage", 404, "not_found", key=key, path={**path, "run": "other"})
    api.succeed("deleteMailpitFound", key=key, path=path, query="query=nothing-has-this")
    api.succeed("deleteMailpitMessages", key=key, path={"run": "none"}, body={"IDs": [sent[1]["id"]]})


def reading(api, key, message):
    path = {"id": message}
    api.relay.settled(message)
    api.succeed("listEmails", key=key, query="limit=2")
    for name in ("getEmail", "getEmailRaw", "listEmailEvents"):
        api.succeed(name, key=key, path=path)
    attachment = api.succeed("listAttachments", key=key, path=path)["data"][0]
    path = {"id": message, "attachment_id": attachment["id"]}
    api.succeed("getAttachment", key=key, path=path)
    api.succeed("getAttachmentContent", key=key, path=path)
    api.refuse("cancelEmail", 409, "conflict", key=key, path={"id": message})
    waiting = api.call("sendEmail", key=key, body=mail("deferred@simulator.postern.test"))[1]["id"]
    wait_until(lambda: api.relay.message(waiting)["recipients"][0]["attempts"], "a first attempt")
    api.succeed("cancelEmail", key=key, path={"id": waiting})
    held = api.call("sendEmail", key=key, body=mail(SIMULATED, scheduled_at="in 1 hour"))[1]["id"]
    api.succeed("updateEmail", key=key, path={"id": held}, body={"scheduled_at": "in 2 hours"})
    api.refuse("updateEmail", 409, "conflict", key=key, path={"id": message}, body={"scheduled_at": "in 2 hours"})
    in_run = api.call("sendEmail", key=key, body=mail(SIMULATED, run="ci 1"))[1]["id"]
    check(api.call("listEmails", key=key, query="run=ci+1")[1]["data"][0]["id"] == in_run, "the run's e-mail is not listed")
    check(api.call("listEvents", key=key, query="run=ci+1")[1]["data"], "the run's events are not listed")
    runs(api, key)
    mailpit(api, key)
    check(api.succeed("deleteRun", key=key, path={"run": "ci%201"})["deleted"] == 1, "the run is not deleted")
    api.refuse("deleteRun", 404, "not_found", key=key, path={"run": "ci%201"})
    fields = api.call("getEmail", key=key, path={"id": message})[2]
    again = api.relay.request("GET", f"/v1/emails/{message}", None, key, {"If-None-Match": fields["etag"]})
    check(again[:2] == (304, b""), f"an e-mail that has not changed: {again}")


def stream(api, key, name, headers, query=""):
    """The head of a live stream, and its end by the client."""
    _, path, _ = api.document.operations[name]
    client = http.client.HTTPConnection("127.0.0.1", api.relay.http, timeout=300)
    client.request("GET", path + query, headers={"Authorization": f"Bearer {key}", **headers})
    response = client.getresponse()
    api.document.check_answer(name, response.status, response.getheader("Content-Type"), b"")
    check(response.read(1) != b"", f"{name}: nothing is streamed")
    client.close()


def events(api, token):
    first = api.succeed("listEvents", key=token, query="limit=1")["data"][0]["id"]
    oldest = api.succeed("listEvents", key=token)["data"][-1]["id"]
    stream(api, token, "streamEvents", {"Last-Event-ID": oldest})
    stream(api, token, "streamEvents", {}, "?after=" + oldest)
    types = {event["type"] for event in api.succeed("listEvents", key=token)["data"]}
    check(types <= set(api.document.content["webhooks"]), f"the document's webhooks lack some of {types}")
    api.successes["streamEvents"] = {"key": None, "body": None, "query": "", "headers": None, "path": {}}
    api.refuse("streamEvents", 422, "validation_error", key=token, query="after=nothing")
    return first


def webhooks(api, token, event):
    made = api.succeed("createWebhook", key=token,
                       body={"endpoint": "https://hooks.example.org/mail", "events": ["email.delivered"]})
    path = {"id": made["id"]}
    api.succeed("listWebhooks", key=token)
    api.succeed("getWebhook", key=token, path=path)
    api.succeed("listWebhookAttempts", key=token, path=path)
    api.succeed("replayWebhook", key=token, path=path, body={"since": event})
    api.succeed("replayWebhookEvent", key=token, path={**path, "event_id": event})
    api.succeed("rotateWebhookSecret", key=token, path=path)
    api.succeed("rotateWebhookSigningSecret", key=token, path=path)
    api.succeed("changeWebhook", key=token, path=path, body={"endpoint": "https://hooks.example.org/other", "status": "disabled"})
    second = api.call("createWebhook", key=token, body={"endpoint": "https://hooks.example.org/"})[1]
    api.succeed("deleteWebhook", key=token, path={"id": second["id"]})
    api.refuse("createWebhook", 422, "validation_error", key=token, body={"endpoint": "http://127.0.0.1/"})


def suppressions(api, token):
    api.succeed("addSuppression", key=token, body={"email": "gone@example.net"})
    api.succeed("getSuppression", key=token, path={"email": "gone@example.net"})
    api.succeed("addSuppressions", key=token, body={"emails": ["one@example.net", "two@example.net"]})
    api.succeed("listSuppressions", key=token, query="limit=1&origin=manual")
    api.succeed("removeSuppressions", key=token, body={"emails": ["one@example.net"]})
    api.succeed("deleteSuppression", key=token, path={"email": "two@example.net"})
    api.succeed("addSuppression", key=token, body={"email": "three@example.net", "stream": "news"})
    api.succeed("getSuppression", key=token, path={"email": "three@example.net%20news"})
    api.refuse("addSuppression", 422, "validation_error", key=token, body={"email": "three@example.net", "stream": "two words"})
    api.succeed("getUsage", key=token, query="from=2030-01-01&to=2030-01-31")
    api.refuse("getUsage", 422, "validation_error", key=token, query="from=2020-01-01&to=2030-01-31")


def inbound(api, token, domain, mx):
    """An address of a verified domain receives; what came in is listed, shown and read."""
    api.refuse("changeDomain", 404, "not_found", key=token, path={"id": "dom_" + "0" * 16}, body={"receiving": True})
    api.refuse("changeDomain", 422, "validation_error", key=token, path={"id": domain}, body={})
    check(api.succeed("changeDomain", key=token, path={"id": domain}, body={"receiving": True})["receiving"], "it receives")
    api.refuse("changeDomain", 422, "validation_error", key=token, path={"id": domain}, body={"inbound_policy": "discard"})
    changed = api.succeed("changeDomain", key=token, path={"id": domain}, body={"inbound_policy": "tag"})
    check((changed["receiving"], changed["inbound_policy"]) == (True, "tag"), f"{changed}")
    for body in ({"domain_id": domain, "match": "a*b*", "action": "store"}, {"domain_id": domain, "match": "a", "action": "fly"},
                 {"domain_id": domain, "action": "store"}, {"domain_id": domain, "match": "a", "action": "forward"},
                 {"domain_id": domain, "match": "a", "action": "forward", "destination": "nobody"},
                 {"domain_id": domain, "match": "a", "action": "store", "destination": "bob@example.net"}):
        api.refuse("createRoute", 422, "validation_error", key=token, body=body)
    api.refuse("createRoute", 404, "not_found", key=token, body={"domain_id": "dom_x", "match": "a", "action": "store"})
    route = api.succeed("createRoute", key=token, body={"domain_id": domain, "match": "Sales", "action": "store"})
    check(api.succeed("listRoutes", key=token)["data"] == [route] and route["match"] == "sales", f"{route}")
    tested = api.succeed("testRoute", key=token, query="address=SALES@example.org")
    check((tested["reply"], [one["id"] for one in tested["routes"]]) == ("250 2.1.5", [route["id"]]), f"{tested}")
    for address, reply in (("nobody@example.org", "550 5.1.1"), ("sales@elsewhere.example", "550 5.7.1")):
        check(api.succeed("testRoute", key=token, query=f"address={address}")["reply"] == reply, address)
    api.refuse("testRoute", 422, "validation_error", key=token, query="address=nobody")
    with smtplib.SMTP("127.0.0.1", mx, timeout=300) as client:
        client.sendmail("ann@example.net", ["sales@example.org"],
                        "Subject: hello\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nbody\r\n")
    listed = api.succeed("listInbound", key=token, query="limit=1")["data"]
    check([m["subject"] for m in listed] == ["hello"] and listed[0]["kind"] == "mail", f"{listed}")
    path = {"id": listed[0]["id"]}
    check(api.succeed("getInbound", key=token, path=path) == listed[0], "shown as listed")
    check("body" in str(api.succeed("getInboundRaw", key=token, path=path)), "its content")
    attached = api.succeed("listInboundAttachments", key=token, path=path)["data"][0]
    link = urllib.parse.urlsplit(attached["download_url"])
    content = {"id": listed[0]["id"], "attachment_id": attached["id"]}
    check("body" in str(api.succeed("getInboundAttachmentContent", path=content, query=link.query)), "its octets, without a key")
    api.refuse("getInboundAttachmentContent", 403, "link_forged", path=content, query=link.query + "0")
    api.refuse("getInboundAttachmentContent", 403, "link_forged", path=content)
    api.refuse("retryForwards", 409, "conflict", key=token, path=path)
    forwarding(api, token, domain, mx)
    for name in ("getInbound", "getInboundRaw", "listInboundAttachments", "retryForwards"):
        api.refuse(name, 404, "not_found", key=token, path={"id": "0" * 26})
    api.refuse("getEmail", 404, "not_found", key=token, path=path)
    api.refuse("listInbound", 422, "validation_error", key=token, query="after=nowhere")
    api.succeed("deleteRoute", key=token, path={"id": route["id"]})
    api.refuse("deleteRoute", 404, "not_found", key=token, path={"id": route["id"]})


def forwarding(api, token, domain, mx):
    """Nothing is sent on without a return path: refused, and asked again."""
    route = api.call("createRoute", key=token, body={"domain_id": domain, "match": "on", "action": "forward",
                                                     "destination": "bob@example.net"})[1]
    with smtplib.SMTP("127.0.0.1", mx, timeout=300) as client:
        client.sendmail("ann@example.net", ["on@example.org"], "Subject: on\r\n\r\nbody\r\n")
    path = {"id": api.call("listInbound", key=token, query="limit=1")[1]["data"][0]["id"]}

    def is_refused():
        return api.call("getInbound", key=token, path=path)[1]["forwards"][0]["status"] == "refused"
    wait_until(is_refused, "it is not sent on")
    check(api.succeed("retryForwards", key=token, path=path)["forwards"][0]["status"] == "waiting", "asked again")
    wait_until(is_refused, "it is not sent on")
    api.call("deleteRoute", key=token, path={"id": route["id"]})


def receiving(api, token, mx):
    """What came in, as Resend has it."""
    with smtplib.SMTP("127.0.0.1", mx, timeout=300) as client:
        client.sendmail("ann@example.net", ["postmaster@example.org"],
                        "Subject: again\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nbody\r\n")
    listed = api.succeed("listReceivedEmails", key=token, query="limit=1")
    check([m["subject"] for m in listed["data"]] == ["again"] and listed["has_more"], f"{listed}")
    path = {"id": listed["data"][0]["id"]}
    api.succeed("getReceivedEmail", key=token, path=path, query="html_format=cid")
    attached = api.succeed("listReceivedEmailAttachments", key=token, path=path)["data"][0]
    api.succeed("getReceivedEmailAttachment", key=token, path={**path, "attachment_id": attached["id"]})
    api.refuse("getReceivedEmail", 422, "validation_error", key=token, path=path, query="html_format=svg")
    api.refuse("listReceivedEmails", 422, "validation_error", key=token, query="after=nowhere")
    for name in ("getReceivedEmail", "listReceivedEmailAttachments"):
        api.refuse(name, 404, "not_found", key=token, path={"id": "0" * 26})
    api.refuse("getReceivedEmailAttachment", 404, "not_found", key=token, path={**path, "attachment_id": "9"})


def mailkite(api, token, domain):
    """The rows of MailKite's clients; that they work together is another story's."""
    api.succeed("mailkiteListDomains", key=token)
    path = {"id": domain}
    api.succeed("mailkiteGetDomain", key=token, path=path)
    api.succeed("mailkiteVerifyDomain", key=token, path=path)
    api.refuse("mailkiteGetWebhookSecret", 404, "not_found", key=token)
    api.refuse("mailkiteRotateWebhookSecret", 404, "not_found", key=token)
    api.succeed("mailkiteSetWebhook", key=token, path=path, body={"url": "https://hooks.example.org/in"})
    api.refuse("mailkiteSetWebhook", 422, "validation_error", key=token, path=path, body={"url": "nowhere"})
    api.succeed("mailkiteGetWebhookSecret", key=token)
    api.succeed("mailkiteRotateWebhookSecret", key=token)
    routed = api.succeed("mailkiteTestWebhook", key=token, path=path)
    messages = api.succeed("mailkiteListMessages", key=token, query="limit=1&search=test")
    check([m["id"] for m in messages] == [routed["id"]], f"{messages}")
    shown = api.succeed("mailkiteGetMessage", key=token, path={"id": routed["id"]})
    api.refuse("mailkiteListMessages", 422, "validation_error", key=token, query="before=yesterday")
    delivery = [one for one in shown["deliveries"] if one["url"] == "https://hooks.example.org/in"][0]
    api.succeed("mailkiteRetryDelivery", key=token, path={"id": delivery["id"]})
    made = api.succeed("mailkiteCreateRoute", key=token, body={"match": "kite@example.org", "action": "store"})
    api.refuse("mailkiteCreateRoute", 422, "validation_error", key=token, body={"match": "kite"})
    api.succeed("mailkiteListRoutes", key=token)
    message = {"from": "ann@example.net", "subject": "x", "text": "y"}
    api.succeed("routeMessage", key=token, body={"routeId": made["id"], **message})
    api.refuse("routeMessage", 422, "validation_error", key=token, body=message)
    for name, wrong in (("mailkiteGetDomain", "dom_x"), ("mailkiteDeleteDomain", "dom_x"), ("mailkiteVerifyDomain", "dom_x"),
                        ("mailkiteDeleteWebhook", "dom_x"), ("mailkiteTestWebhook", "dom_x"), ("mailkiteGetMessage", "msg_0"),
                        ("mailkiteRetryDelivery", "dlv_0")):
        api.refuse(name, 404, "not_found", key=token, path={"id": wrong})
    api.succeed("mailkiteDeleteWebhook", key=token, path=path)
    second = api.succeed("mailkiteCreateDomain", key=token, body={"domain": "kite.example"})
    api.refuse("mailkiteCreateDomain", 409, "conflict", key=token, body={"domain": "kite.example"})
    api.succeed("mailkiteDeleteDomain", key=token, path={"id": second["id"]})


def sandbox_and_production(api, token, live, server):
    api.succeed("addSandboxEmail", key=token, body={"email": "friend@example.net"})
    api.refuse("sendEmail", 403, "recipient_not_whitelisted", key=live, body=mail("friend@example.net"))
    api.succeed("confirmAddress", key=token, body={"code": mailed_link(api)[1]})
    api.succeed("listSandboxEmails", key=token)
    api.succeed("getAccount", key=token)
    api.succeed("changeAccount", key=token, body={"auto_suppression": True, "suppression_days": 30})
    api.refuse("requestProductionAccess", 422, "validation_error", key=token, body={"use_case": "receipts"})
    api.refuse("sendEmail", 403, "recipient_not_whitelisted", key=live, body=mail("stranger@example.net"))
    status, sent, _ = api.call("sendEmail", key=live, body={**mail("friend@example.net"), "cc": "stranger@example.net"})
    check(status == 200 and len(sent["recipients"]) == 2, f"{sent}")
    api.relay.settled(sent["id"])
    refused = api.succeed("listRefusals", key=token, query="limit=1&token=recipient_not_whitelisted&environment=live")["data"]
    check([one["to"] for one in refused] == ["stranger@example.net"], f"what was refused: {refused}")
    for query in ("limit=201", "after=x", "key=x", "since=never", "environment=both"):
        api.refuse("listRefusals", 422, "validation_error", key=token, query=query)
    domain = api.succeed("createDomain", key=token, body={"name": "example.org"})
    api.refuse("createDomain", 409, "conflict", key=token, body={"name": "example.org"})
    path = {"id": domain["id"]}
    api.succeed("listDomains", key=token)
    api.succeed("getDomain", key=token, path=path)
    server.publish(api.relay.cli("domain", "records", "example.org").splitlines())
    check(api.succeed("verifyDomain", key=token, path=path)["status"] == "verified", "the domain is not verified")
    rotated = api.succeed("rotateDomainKeys", key=token, path=path)
    check(sum("note" in record for record in rotated["records"]) == 2, f"successors: {rotated}")
    api.refuse("rotateDomainKeys", 409, "conflict", key=token, path=path)
    inbound(api, token, domain["id"], api.mx)
    receiving(api, token, api.mx)
    mailkite(api, token, domain["id"])
    api.succeed("requestProductionAccess", key=token, body={"use_case": "receipts"})
    other = api.call("createDomain", key=token, body={"name": "other.example.org"})[1]
    api.succeed("deleteDomain", key=token, path={"id": other["id"]})
    for address, name in (("x@example.net", "removeSandboxEmail"), ("y@example.net", "removeSandboxEmailByQuery")):
        api.call("addSandboxEmail", key=token, body={"email": address})
        by_path = name == "removeSandboxEmail"
        api.succeed(name, key=token, path={"email": address} if by_path else {}, query="" if by_path else f"email={address}")
    return sent["id"]


# Of a run that has no message yet there is an answer.
RUN_QUESTIONS = {"waitForRunMail", "assertRunMail", "listMailpitMessages", "searchMailpitMessages", "deleteMailpitFound",
                 "deleteMailpitMessages"}
# What only operators may: to everybody else it is forbidden, whosever the thing is.
OPERATION = {"listAccounts", "listProductionRequests", "getAnyAccount", "changeAnyAccount", "decideProductionAccess", "getQueue",
             "getQueueSummary", "listNodes", "listQueue", "retryAnyEmail", "cancelAnyEmail", "listDestinations",
             "retryDestinations", "listOrders", "giveOrder", "endOrder", "getDailyReport"}


# What only people may: a key never does.
PEOPLE = {"removeMember"}


def people(api, token):
    """Members of the account and the sessions of their browsers."""
    member = {"email": "bob@example.org", "password": PASSWORD}
    made = api.succeed("addMember", key=token, body=member)
    api.refuse("addMember", 409, "conflict", key=token, body=member)
    api.succeed("listMembers", key=token)
    as_member = api.relay.request("POST", "/v1/auth/login", member)[1]["token"]
    api.succeed("changePassword", key=as_member, body={"current_password": PASSWORD, "new_password": PASSWORD + " 2"})
    api.refuse("getMe", 401, "invalid_credentials", key=as_member)
    # What is tried with it later never succeeds: it would end the session that all the rest is tried with.
    api.successes["changePassword"].update(key=token, body={"current_password": PASSWORD + "?", "new_password": PASSWORD})
    api.succeed("removeMember", key=token, path={"id": made["id"]})
    own = {"Origin": f"http://127.0.0.1:{api.relay.http}"}
    ada = {"email": "ada@example.org", "password": PASSWORD}
    api.succeed("signInAtBrowser", body=ada, headers=own)
    api.refuse("signInAtBrowser", 403, "cross_site_request", body=ada, headers={"Origin": "http://elsewhere.example"})
    listed = api.succeed("listBrowserSessions", key=token)["data"]
    api.succeed("endBrowserSession", key=token, path={"id": listed[0]["id"]})
    api.successes.pop("signInAtBrowser")
    api.successes["signInAtBrowser"] = {"key": None, "body": ada, "query": "", "headers": own, "path": {}}
    api.succeed("listAudit", key=token, query="limit=2")
    api.succeed("getStats", key=token, query="period=day")



def looking(api, key, message):
    """What people look at of a message, and what makes it go now."""
    path = {"id": message}
    for name in ("previewEmail", "listEmailLinks", "listEmailHeaders", "listEmailDialogues"):
        api.succeed(name, key=key, path=path)
    waiting = api.call("sendEmail", key=key, body=mail("deferred@simulator.postern.test"))[1]["id"]
    wait_until(lambda: api.relay.message(waiting)["recipients"][0]["attempts"], "a first attempt")
    api.succeed("retryEmail", key=key, path={"id": waiting})
    api.refuse("retryEmail", 409, "conflict", key=key, path=path)


def operating(api, operator, account):
    """Over all accounts: production, the queue and the next hops."""
    api.succeed("listAccounts", key=operator, query="limit=1")
    asks = api.succeed("listProductionRequests", key=operator)["data"]
    check([one["id"] for one in asks] == [account], f"who asks for production: {asks}")
    path = {"id": account}
    api.succeed("getAnyAccount", key=operator, path=path)
    api.succeed("decideProductionAccess", key=operator, path=path, body={"approve": True})
    api.refuse("decideProductionAccess", 409, "conflict", key=operator, path=path, body={"approve": True})
    api.succeed("changeAnyAccount", key=operator, path=path, body={"plan": "growth"})
    api.succeed("getQueue", key=operator)
    check(api.succeed("listNodes", key=operator)["data"] == [], "one machine is no cluster")
    summary = api.succeed("getQueueSummary", key=operator, query="limit=1")
    check(sum(summary["by_age"]) == summary["messages"] and len(summary["data"]) <= 1, f"{summary}")
    for limit in ("0", "101", "x", "-1", "9" * 40):
        api.refuse("getQueueSummary", 422, "validation_error", key=operator, query="limit=" + limit)
    check(api.succeed("getDailyReport", key=operator, query="day=2020-01-31")["accounts"] == [], "a day without mail")
    api.succeed("getDailyReport", key=operator)
    for day in ("yesterday", "2020-13-01", "", "9" * 40):
        api.refuse("getDailyReport", 422, "validation_error", key=operator, query="day=" + day)
    destination = api.call("getQueue", key=operator)[1]["data"][0]["destination"]
    query = urllib.parse.urlencode({"destination": destination})
    waiting = api.succeed("listQueue", key=operator, query=query)["data"][0]["id"]
    api.succeed("retryAnyEmail", key=operator, path={"id": waiting})
    retried = api.succeed("retryMail", key=operator, body={"domain": "*"})
    check(retried["next"] is None and not retried["has_more"], f"all that waits was looked at: {retried}")
    for body in ({}, {"domain": "a b"}, {"route": "nowhere"}, {"key_id": "key"}, {"domains": "*"}, {"tag": "x" * 514}):
        api.refuse("retryMail", 422, "validation_error", key=operator, body=body)
    api.refuse("retryMail", 422, "validation_error", key=operator, body={"domain": "*"}, query="after=nonsense")
    api.refuse("retryMail", 404, "not_found", key=operator, body={"key_id": "key_" + "0" * 16})
    held = api.call("listQueue", key=operator, query=query)[1]["data"][-1]["id"]
    api.succeed("cancelAnyEmail", key=operator, path={"id": held})
    hold = {"action": "hold", "domain": ".example.net", "reason": "maintenance"}
    order = api.succeed("giveOrder", key=operator, body=hold)["id"]
    for body in ({"action": "hold"}, {"action": "stop", "domain": "*"}, {"action": "move", "domain": "*", "to_route": "nowhere"},
                 {"action": "hold", "domain": "a b"}, {"action": "hold", "tag": "x", "expires_in": 0},
                 {"action": "hold", "key_id": "key"}, {"action": "hold", "domains": "*"}, {"action": "bounce", "route": "nowhere"}):
        api.refuse("giveOrder", 422, "validation_error", key=operator, body=body)
    api.refuse("giveOrder", 404, "not_found", key=operator, body={"action": "hold", "account_id": "acc_" + "0" * 16})
    listed = api.succeed("listOrders", key=operator)["data"]
    said = [(one["id"], one["domain"], one["author"]) for one in listed]
    check(said == [(order, ".example.net", "root@example.org")], f"{listed}")
    api.succeed("endOrder", key=operator, path={"id": order})
    api.refuse("endOrder", 404, "not_found", key=operator, path={"id": order})
    api.succeed("listDestinations", key=operator)
    api.succeed("retryDestinations", key=operator)


def operator_of(relay):
    create = [relay.postern, "--config", str(relay.config), "user", "create", "other", "root@example.org", "--operator"]
    done = subprocess.run(create, input=PASSWORD + "\n", capture_output=True, text=True)
    check(done.returncode == 0, f"an operator is made: {done.stderr}")
    return relay.request("POST", "/v1/auth/login", {"email": "root@example.org", "password": PASSWORD})[1]["token"]


def service(api):
    for name in ("getHealth", "getReadiness", "getMetrics", "getOpenapi", "getRoot", "mailkiteHealth"):
        api.succeed(name)
        # They have no failure of their own while all is well; a wrong method is the error of all.
        status, answer, fields = api.relay.request("DELETE", api.document.operations[name][1])
        check(status == 405 and fields["allow"] and not api.document.faults({"$ref": "#/components/schemas/Error"}, answer),
              f"{answer}")
        api.failed.add(name)


def names(api, test):
    """What the document does not know is refused, with the nearest name; camelCase of what it knows is taken."""
    body = {**mail(SIMULATED), "replyTo": "b@example.org"}
    sent = api.call("sendEmail", key=test, body=body)[1]["id"]
    check(api.call("getEmail", key=test, path={"id": sent})[1]["reply_to"] == ["b@example.org"], "replyTo is lost")
    for member in ("replytoo", "reply_tos"):
        answer = api.call("sendEmail", key=test, body={**mail(SIMULATED), member: "b@example.org"})[1]
        check("did you mean reply_to?" in answer["message"], f"{answer}")
    for name, call in sorted(api.successes.items()):
        if call["key"] is not None and api.document.operations[name][2]["security"]:
            api.refuse(name, 422, "validation_error", **{**call, "query": "no_such_parameter=1"})


def without_rights(api, token, sending, outsider, stranger):
    """No credential; a user where a key is needed; a key that only sends; another account's key, or person, at everything that
    has an id."""
    for name, call in sorted(api.successes.items()):
        operation = api.document.operations[name][2]
        if not operation["security"]:
            continue
        api.refuse(name, 401, "auth_required", **{**call, "key": None})
        names_a_key = any(parameter.get("name") == "api_key_id" for parameter in operation.get("parameters", []))
        manages = {"sessionToken": []} in operation["security"] and not names_a_key
        api.refuse(name, 403, "permission_denied", **{**call, "key": sending if manages else token})
        if name in OPERATION | PEOPLE:
            api.refuse(name, 403, "permission_denied", **{**call, "key": outsider})
        if name in PEOPLE:
            api.refuse(name, 404, "not_found", **{**call, "key": stranger})
        elif name in RUN_QUESTIONS:  # of a run of their own, which has begun with no message yet
            answer = api.call(name, **{**call, "key": outsider})[1]
            found = answer if isinstance(answer, dict) else {}
            check(not found.get("data") and not found.get("messages") and not any(r["emails"] for r in found.get("results", [])),
                  f"{name}: {answer}")
        elif name not in OPERATION and "{" in api.document.operations[name][1]:
            api.refuse(name, 404, "not_found", **{**call, "key": outsider})


def test_keys_keep_to_themselves(api, test, live_message):
    for name in ("getEmail", "getEmailRaw", "listEmailEvents", "listAttachments", "cancelEmail"):
        api.refuse(name, 404, "not_found", key=test, path={"id": live_message})
    listed = api.call("listEmails", key=test, query="limit=100")[1]["data"]
    check({email["environment"] for email in listed} == {"test"}, f"a test key sees live mail: {listed}")
    made = api.call("createWebhook", key=test, body={"endpoint": "https://hooks.example.org/"})[1]
    shown = api.call("getWebhook", key=test, path={"id": made["id"]})[1]
    check(shown["environment"] == "test", f"a test key's webhook: {shown}")
    for name in ("addSandboxEmail", "removeSandboxEmail", "requestProductionAccess", "createDomain", "deleteDomain", "verifyDomain",
                 "rotateDomainKeys", "changeWebhook", "deleteWebhook", "replayWebhook", "replayWebhookEvent", "rotateWebhookSecret",
                 "addSuppression", "deleteSuppression", "listInbound", "getInbound", "testRoute", "createRoute", "changeDomain",
                 "addSuppressions", "removeSuppressions", "changeAccount", "confirmAddress"):
        status, answer, _ = api.call(name, **{**api.successes[name], "key": test})
        check(status in (403, 404), f"{name} with a test key: {status} {answer}")


def run(context):
    server = NameServer(context.folder / "dns", "example.org")
    try:
        server.publish([])
        story(context, server)
    finally:
        server.stop()


def story(context, server):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port, extra='signup = "open"\nsignup_confirms_addresses = "yes"\n'
                          f'resolver_addresses = ["127.0.0.1@{server.port}"]\n'
                          'resolver_timeout_seconds = 60\nauth_failures_per_address = 10000')
    mx = free_port()
    relay.config.write_text(relay.config.read_text() +
                            f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n')
    relay.account("other")
    outsider = relay.key("other", "--live", "--permission", "full_access")
    relay.start()
    api = Api(relay)
    api.sink, api.seen, api.mx = sink, set(), mx
    api.document.check_itself()
    compiles(context.folder, api.document.content)
    token = session(api)
    live, test, only_sending = keys(api, token)
    message = sending(api, test)
    unsubscribing(api, test)
    reading(api, test, message)
    event = events(api, token)
    webhooks(api, token, event)
    people(api, token)
    looking(api, test, message)
    suppressions(api, token)
    live_message = sandbox_and_production(api, token, live, server)
    operator = operator_of(relay)
    operating(api, operator, api.call("getMe", key=token)[1]["account"]["id"])
    service(api)
    names(api, test)
    without_rights(api, token, only_sending, outsider, operator)
    test_keys_keep_to_themselves(api, test, live_message)
    for what, seen in (("success", set(api.successes)), ("failure", api.failed)):
        missing = sorted(set(api.document.operations) - seen)
        check(not missing, f"operations without a case of {what}: {missing}")
    api.successes.pop("streamEvents")
    hostile.attack(api)
    check(relay.request("GET", "/readyz")[0] == 200, "the service is not ready any more")
    relay.stop()
    log = (relay.folder / "log").read_text(errors="replace")
    for secret in (PASSWORD, token, live, test, "Grüße"):
        check(secret not in log, f"the log holds {secret!r}")
    check(json.dumps(api.document.content).count("operationId") == len(api.document.operations), "an operation is hidden")
