"""scripts/cluster: three nodes behind HAProxy, a primary and its standby; every node takes mail, and all of it stops cleanly."""

import subprocess

from support import ROOT, check

PATIENCE = 200


def run(context):
    done = subprocess.run([ROOT / "scripts" / "cluster", "--check", "--postern", context.postern], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    check(done.returncode == 0, f"scripts/cluster: {done.stdout}{done.stderr}")
    check("checked: every node takes mail" in done.stdout, done.stdout)
