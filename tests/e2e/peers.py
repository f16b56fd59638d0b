#!/usr/bin/env python3
"""Programs of others that tests play with, out of Debian's packages, unpacked and not installed: no service starts, and no mailer
that is there is replaced."""

import os
import pathlib
import shutil
import subprocess
import tempfile

PEERS = pathlib.Path(__file__).resolve().parents[2] / "build" / "peers"
PROGRAMS = {"postfix": ("usr/sbin/smtp-sink", "usr/sbin/posttls-finger"), "prometheus": ("usr/bin/prometheus", "usr/bin/promtool")}


def install_peers():
    for package, programs in PROGRAMS.items():
        missing = [PEERS / program for program in programs if not (PEERS / program).exists()]
        for path in missing:
            if found := shutil.which(path.name):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(found)
        if all(path.exists() for path in missing):
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)  # for apt's own user
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
            subprocess.run(["dpkg", "-x", str(next(pathlib.Path(folder).glob("*.deb"))), str(PEERS)], check=True)


def postfix_environment(**more):
    """For a program of the unpacked Postfix: its libraries, and a configuration without a word."""
    folder = PEERS / "postfix"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.cf").touch()
    return {**os.environ, "LD_LIBRARY_PATH": str(PEERS / "usr/lib/postfix"), "MAIL_CONFIG": str(folder), **more}


if __name__ == "__main__":
    install_peers()
