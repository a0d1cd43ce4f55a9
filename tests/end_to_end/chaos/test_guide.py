"""Do the commands of docs/chaos.md do what it says, typed as written?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT, PATIENCE

GUIDE = CHECKOUT / "docs" / "chaos.md"
# ```sh is typed here; what is indented are variations of it.
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"}


@pytest.mark.local_only("the guide begins with `argosy up`")
@pytest.mark.proof("a whole experiment, which others run, too")
def test_an_operator_comes_from_the_list_to_a_report(tmp_path: Path) -> None:
    script = tmp_path / "guide.sh"
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 4
    script.write_text("set -euxo pipefail\n" + "\n".join(blocks), encoding="utf-8")
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
    (verdict,) = json.loads((CHECKOUT / "reports" / "network-refused.json").read_text(encoding="utf-8"))["verdicts"]
    assert (verdict["experiment"], verdict["outcome"]) == ("network-refused", "PASS")
    assert "network-refused: PASS" in (CHECKOUT / "reports" / "failure-modes.md").read_text(encoding="utf-8")
