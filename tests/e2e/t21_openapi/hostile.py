"""What no client should send: made from the document for every operation, and never answered by what the document does not name."""

import copy

from support import check

OF_WRONG_TYPE = [17, -1, 1.5, True, "", [], {}, [17], [None], {"a": 1}]
ODD_TEXTS = ["a\u0000b", "x\r\nBcc: eve@example.org", "\U0001F600" * 40, "../../etc/passwd", "x" * 5000]
ODD_SEGMENTS = ["%00", "..%2f..", "x" * 500, "%F0%9F%98%80", "evt_x", "0" * 26, "-"]


def beyond_bounds(schema):
    if "maxLength" in schema:
        yield "a" * (schema["maxLength"] + 1)
    if "maxItems" in schema:
        yield ["a"] * (schema["maxItems"] + 1)
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "enum" in schema:
        yield "nonsense"


def member_cases(document, schema, body):
    """(member, a body in which this member is wrong)."""
    for name, member in schema.get("properties", {}).items():
        for value in [*OF_WRONG_TYPE, *beyond_bounds(document.resolved(member))]:
            if document.faults(member, value):
                yield name, {**body, name: value}
        if name in schema.get("required", []):
            yield name, {**body, name: None}
            yield name, {key: value for key, value in body.items() if key != name}
    if schema.get("additionalProperties") is False:
        yield "unknown", {**body, "no_such_member": 1}


def body_cases(document, schema, body):
    schema = document.resolved(schema)
    if isinstance(body, list):
        for name, item in member_cases(document, document.resolved(schema["items"]), body[0]):
            yield name, [item]
        yield "object", [17]
        yield "most", [body[0]] * (schema["maxItems"] + 1)
    else:
        yield from member_cases(document, schema, body)
        for wrong in (17, "text", True, [1]):
            yield "object", wrong


def attack_body(api, name, call):
    operation = api.document.operations[name][2]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for member, body in body_cases(api.document, schema, call["body"]):
        status, answer, _ = api.call(name, **{**call, "body": body})
        check(400 <= status < 500, f"{name}: {str(body)[:200]} is answered by {status}")
        check(status != 422 or member in answer["message"], f"{name}: the message does not name {member}: {answer['message']}")
    for member, part in api.document.resolved(schema).get("properties", {}).items():
        if api.document.resolved(part).get("type") == "string":
            for text in ODD_TEXTS:
                check(api.call(name, **{**call, "body": {**copy.copy(call["body"]), member: text}})[0] < 500, f"{name}: {member}")
    given = call["headers"] or {}
    for octets in (b"{", b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"[" * 100 + b"]" * 100, b'{"a": NaN}'):
        status, answer, _ = api.call(name, **{**call, "body": octets, "headers": {**given, "Content-Type": "application/json"}})
        check((status, answer["name"]) == (400, "malformed_json"), f"{name}: {octets[:20]}: {status} {answer}")
    form = {**given, "Content-Type": "application/x-www-form-urlencoded"}
    status, answer, _ = api.call(name, **{**call, "body": b"a=b", "headers": form})
    check((status, answer["name"]) == (415, "unsupported_media_type"), f"{name}: {status} {answer}")


ANY_RUN = ("waitForRunMail", "assertRunMail", "listMailpitMessages", "searchMailpitMessages", "deleteMailpitFound",
           "deleteMailpitMessages")


def parameter_values(schema):
    if schema["type"] == "integer":
        return [str(schema.get("minimum", 0) - 1), "-1", "x", "1.5", "", "9" * 30, str(schema["maximum"] + 1)]
    if "enum" in schema or schema.get("format") == "date":
        return ["nonsense", "2030-13-41"]
    return []


def attack_parameters(api, name, call):
    for parameter in api.document.operations[name][2].get("parameters", []):
        if parameter["in"] == "path":
            for segment in ODD_SEGMENTS:
                status = api.call(name, **{**call, "path": {**call["path"], parameter["name"]: segment}})[0]
                # A run may have any name that a client logs in with, and no message yet.
                is_known = status in (400, 404) or (status == 200 and parameter["name"] == "run" and name in ANY_RUN)
                # What a link leads to is signed.
                is_known = is_known or (status == 403 and name == "getInboundAttachmentContent")
                check(is_known, f"{name}: {parameter['name']} = {segment[:40]}: {status}")
        if parameter["in"] == "query":
            for value in parameter_values(parameter["schema"]):
                status, answer, _ = api.call(name, **{**call, "query": f"{parameter['name']}={value}"})
                check(status == 422 and parameter["name"] in answer["message"],
                      f"{name}?{parameter['name']}={value}: {status} {answer}")
            for value in ("%00", "%FF%FE", "%F0%9F%98%80", "x" * 2000):
                check(api.call(name, **{**call, "query": f"{parameter['name']}={value}"})[0] < 500,
                      f"{name}?{parameter['name']}={value[:20]}")


def attack(api):
    for name, call in sorted(api.successes.items()):
        attack_parameters(api, name, call)
        if call["body"] is not None:
            attack_body(api, name, call)
