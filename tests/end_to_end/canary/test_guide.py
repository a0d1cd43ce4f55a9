"""Do the commands of docs/canary.md do what it says, typed as written?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT, PATIENCE

GUIDE = CHECKOUT / "docs" / "canary.md"
# ```sh is typed here; what is indented are variations of it.
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"}


@pytest.mark.local_only("the guide begins with `argosy up`")
def test_an_operator_comes_from_a_plan_to_a_report_and_back(tmp_path: Path) -> None:
    script = tmp_path / "guide.sh"
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 5
    begin = "set -euxo pipefail; trap 'jobs -p | xargs -r kill' EXIT\n"
    script.write_text(begin + "\n".join(blocks), encoding="utf-8")
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
    report = (CHECKOUT / "reports" / "catalog.html").read_text(encoding="utf-8")
    assert "<title>Canary of catalog: promoted</title>" in report
    assert "<svg" in report
