#!/usr/bin/env python3
"""What a program is linked to, as an SPDX 2.3 document: the Debian packages that its shared libraries come from.

usage: packaging/sbom.py BINARY VERSION"""
import hashlib
import json
import os
import re
import subprocess
import sys
import time

binary, version = sys.argv[1:]
linked = re.findall(r"=> (/\S+)", subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout)


def owner(path):
    for name in (path, os.path.realpath(path), "/usr" + os.path.realpath(path)):
        found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True).stdout
        if found:
            return found.split(":")[0]
    raise SystemExit(f"sbom: no package has {path}")


packages = []
for name in sorted({owner(path) for path in linked}):
    row = subprocess.run(["dpkg-query", "-W", "-f", "${Version} ${source:Package} ${source:Version}", name], check=True,
                         capture_output=True, text=True).stdout.split()
    packages.append({"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": row[0],
                     "sourceInfo": f"Debian source package {row[1]} {row[2]}", "downloadLocation": "NOASSERTION",
                     "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                       "referenceLocator": f"pkg:deb/debian/{name}@{row[0]}"}]})
digest = hashlib.sha256(open(binary, "rb").read()).hexdigest()
itself = {"SPDXID": "SPDXRef-postern", "name": "postern", "versionInfo": version, "downloadLocation": "NOASSERTION",
          "licenseDeclared": "Apache-2.0", "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}
made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", os.stat(binary).st_mtime))))
json.dump({"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"postern-{version}",
           "documentNamespace": f"https://postern.invalid/spdx/{digest}",
           "creationInfo": {"created": made, "creators": ["Tool: packaging/sbom.py"]}, "packages": [itself, *packages],
           "relationships": [{"spdxElementId": "SPDXRef-postern", "relationshipType": "DYNAMIC_LINK",
                              "relatedSpdxElement": p["SPDXID"]} for p in packages]}, sys.stdout, indent=1)
print()
