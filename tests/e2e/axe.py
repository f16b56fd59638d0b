"""axe-core, which finds what keeps people out: out of the npm registry, one version, checked by its digest, kept in build/."""

import base64
import hashlib
import os
import pathlib
import subprocess
import tarfile
import tempfile

from support import ROOT, check

VERSION = "4.10.2"
SHA512 = "RE3mdQ7P3FRSe7eqCWoeQ/Z9QXrtniSjp1wUjt5nRC3WIpz5rSCve6o3fsZ2aCpJtrZjSZgjwXAoTO5k4tEI0w=="
KEPT = ROOT / "build" / "peers" / f"axe-core-{VERSION}.tgz"

RUN = """
const done = arguments[arguments.length - 1];
const where = (violation) => violation.nodes.slice(0, 3).map((node) => node.target + ': ' + node.failureSummary).join(' | ');
axe.run(document, {resultTypes: ['violations']}).then(
  (found) => done(found.violations.map((violation) => violation.id + ': ' + where(violation))),
  (error) => done([String(error)]));
"""


def fetch():
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
        done = subprocess.run(["npm", "pack", f"axe-core@{VERSION}"], cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, f"npm pack: {done.stderr[-500:]}")
        os.replace(next(pathlib.Path(folder).glob("*.tgz")), KEPT)


def axe_source():
    if not KEPT.exists():
        fetch()
    found = base64.b64encode(hashlib.sha512(KEPT.read_bytes()).digest()).decode()
    check(found == SHA512, f"{KEPT.name} is not what it was: sha512-{found}")
    with tarfile.open(KEPT) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def axe(page, where):
    if not page.run("return typeof axe !== 'undefined'"):
        page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe_source()})
    found = page.driver.execute_async_script(RUN)
    check(not found, f"{where}: axe finds {found}")
