"""Delivery to mail hosts, in the laboratory (tests/lab): each fixture's mail arrives, waits or bounces as it should, at the level
of TLS that `postern explain delivery` says, and beside it stands what Postfix' posttls-finger makes of the same host: the same, or
a sentence that says why not."""

import pathlib
import subprocess
import sys

from support import check

SECONDS = 60


def run(context):
    lab = pathlib.Path(__file__).resolve().parents[2] / "lab/lab.py"
    inside = pathlib.Path(__file__).parent / "inside.py"
    sys.path.insert(0, str(lab.parent))
    import lab as laboratory
    status = laboratory.enter([sys.executable, str(inside), str(context.postern), str(context.folder)])
    check(status == 0, "a fixture of the laboratory came out otherwise, see above")
