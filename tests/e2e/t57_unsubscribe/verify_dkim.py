"""Standard input's DKIM signature by dkimpy, with the records of a file for the DNS: True or False."""

import json
import sys

import dkim

records = json.load(open(sys.argv[1], encoding="ascii"))


def find(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None


print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=find))
