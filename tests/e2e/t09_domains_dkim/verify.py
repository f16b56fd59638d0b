"""Verifies every DKIM signature of a message with dkimpy, over the keys of a zone file; one line of JSON on standard output.

usage: verify.py ZONE < MESSAGE

Run by Debian's own interpreter, for which python3-dkim and python3-nacl are packaged.
"""

import json
import re
import sys

import dkim


def keys_of(zone):
    """TXT records of a zone file as the story writes it: one a line, strings quoted."""
    keys = {}
    for line in open(zone):
        record = re.match(r'(\S+) \d+ IN TXT (".*")$', line)
        if record:
            keys[record[1].lower()] = "".join(re.findall(r'"([^"]*)"', record[2])).encode()
    return keys


def main():
    keys = keys_of(sys.argv[1])
    message = sys.stdin.buffer.read()

    def look_up(name, timeout=5):
        return keys.get((name.decode() if isinstance(name, bytes) else name).lower())

    found = []
    count = len([line for line in message.split(b"\r\n\r\n", 1)[0].split(b"\r\n") if line.lower().startswith(b"dkim-signature:")])
    for index in range(count):
        verifier = dkim.DKIM(message)
        try:
            is_good = verifier.verify(idx=index, dnsfunc=look_up)
        except dkim.DKIMException as error:
            found.append({"good": False, "error": str(error)})
            continue
        fields = verifier.signature_fields
        found.append({"good": is_good, "algorithm": fields[b"a"].decode(), "domain": fields[b"d"].decode(),
                      "signed": sorted({h[0].decode().lower() for h in verifier.signed_headers})})
    print(json.dumps(found))


main()
