"""Would this change break a client that exists? `python -m protos.breaking [REF]`, called by `make check`.

Compares the contracts of the working tree with those of REF (default: the environment's
BREAKING_AGAINST, else main) by buf's FILE rules. A REF without contracts breaks nobody; exit
code 2 when there is no such REF.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
BUF = Path(sys.executable).parent / "buf"


def breaking_against(ref: str) -> int:
    """Print what `ref`'s clients would miss; exit code 0 when nothing, 2 when there is no such ref."""
    known = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"],
        cwd=CHECKOUT,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if known.returncode:
        sys.stderr.write(f"there is no {ref} here to compare with; name another, or fetch it\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", ref, "protos", "buf.yaml"], cwd=CHECKOUT, check=False, capture_output=True
        )
        if archive.returncode:
            sys.stdout.write(f"no contracts at {ref}: nothing to break ({archive.stderr.decode().strip()})\n")
            return 0
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        old = Path(folder) / "gen" / "include"
        old.parent.mkdir()
        old.symlink_to(CHECKOUT / "gen" / "include")
        return subprocess.run([BUF, "breaking", "--against", folder], cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BREAKING_AGAINST", "main")
    sys.exit(breaking_against(given))
