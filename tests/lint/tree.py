"""The tree that the checks look at: this one, or the one that the environment names (tests/lint/lint_test.py makes such)."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(os.environ.get("POSTERN_LINT_ROOT", pathlib.Path(__file__).resolve().parents[2]))


def listed(*patterns):
    """What git keeps or would keep, relative to the root."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    return [pathlib.PurePath(n) for n in dict.fromkeys(names) if (ROOT / n).exists()]
