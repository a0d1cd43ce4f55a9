"""How does a test do what a guide says? It types its commands as they are written, in a newcomer's shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.end_to_end.conftest import CHECKOUT, PATIENCE

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""What is typed: ```sh. Not what is indented, which are variations, nor ```sh by hand, which tests are given."""
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"}
BEGIN = "set -euxo pipefail; trap 'jobs -p | xargs -r kill' EXIT\n"


def blocks_of(guide: Path) -> list[str]:
    """What is to be typed, in order."""
    return BLOCK.findall(guide.read_text(encoding="utf-8"))


def typed(blocks: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Type them in one shell, which ends at the first that fails; its script is left in `folder`."""
    script = folder / "guide.sh"
    script.write_text(BEGIN + "\n".join(blocks), encoding="utf-8")
    # A newcomer's shell is not inside of a make, whose ARGS its own makes would take for theirs.
    shell = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    path = f"{Path(sys.executable).parent}{os.pathsep}{shell['PATH']}"
    return subprocess.run(
        ["bash", script],
        cwd=CHECKOUT,
        env={**shell, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
