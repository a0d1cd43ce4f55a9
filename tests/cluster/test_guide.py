"""Do the commands of docs/kubernetes.md do what it says, typed as written?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.conftest import CHECKOUT, PATIENCE

GUIDE = CHECKOUT / "docs" / "kubernetes.md"
# ```sh is typed here; ```sh by hand makes clusters and images, which these tests are given.
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"}


def test_a_newcomer_comes_from_a_cluster_to_a_promoted_canary(empty: None, tmp_path: Path) -> None:
    script = tmp_path / "guide.sh"
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) > 5
    begin = "set -euxo pipefail; trap 'jobs -p | xargs -r kill' EXIT\n"
    script.write_text(begin + "\n".join(blocks), encoding="utf-8")
    # A newcomer's shell is not inside of a make, whose ARGS its own makes would take for theirs.
    shell = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    path = f"{Path(sys.executable).parent}{os.pathsep}{shell['PATH']}"
    done = subprocess.run(
        ["bash", script],
        cwd=CHECKOUT,
        env={**shell, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
