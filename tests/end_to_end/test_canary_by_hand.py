"""Do the commands of docs/canary-by-hand.md do what it says, typed as written?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import CHECKOUT, kubectl

GUIDE = CHECKOUT / "docs" / "canary-by-hand.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.local_only("asks a pod at its own address")
def test_a_reviewer_steps_and_goes_back_with_kubectl_alone(cluster: None, tmp_path: Path) -> None:
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) > 6
    script = tmp_path / "by-hand.sh"
    script.write_text("set -euxo pipefail\n" + "\n".join(blocks), encoding="utf-8")
    before = kubectl("get", "virtualservice", "catalog", "-o", "json").json["spec"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        done = subprocess.run(
            ["bash", script],
            cwd=CHECKOUT,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert kubectl("get", "virtualservice", "catalog", "-o", "json").json["spec"] == before
    finally:
        back = json.dumps([{"op": "replace", "path": "/spec", "value": before}])
        kubectl("patch", "virtualservice", "catalog", "--type=json", "-p", back)
