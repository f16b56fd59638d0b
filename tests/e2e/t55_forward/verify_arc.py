"""Says what dkimpy thinks of a message's ARC chain: "pass", "fail", "none".

usage: verify_arc.py RECORDS.json < MESSAGE

RECORDS.json: names of TXT records → their texts. Run by Debian's own interpreter, for which python3-dkim is packaged.
"""

import json
import sys

import dkim


def main():
    records = json.load(open(sys.argv[1], encoding="utf-8"))
    verdict, results, why = dkim.arc_verify(sys.stdin.buffer.read(),
                                            dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")].encode())
    print(verdict.decode(), len(results), why)


main()
