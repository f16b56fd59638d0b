"""Signs a message with dkimpy; the whole message on standard output.

usage: sign.py KEY SELECTOR DOMAIN ALGORITHM HEADER/BODY < MESSAGE

Run by Debian's own interpreter, for which python3-dkim and python3-nacl are packaged.
"""

import sys

import dkim


def main():
    key, selector, domain, algorithm, forms = sys.argv[1:]
    message = sys.stdin.buffer.read()
    field = dkim.sign(message, selector.encode(), domain.encode(), open(key, "rb").read(), signature_algorithm=algorithm.encode(),
                      canonicalize=tuple(form.encode() for form in forms.split("/")),
                      include_headers=[b"from", b"to", b"subject", b"from"])
    sys.stdout.buffer.write(field + message)


main()
