"""How does a program outlive the one that starts it, and yet end with the local cluster? By the cluster's marks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mesh.chosen_cluster import KUBECONFIG
from mesh.local.belongings import marks
from mesh.local.settings import CHECKOUT


def belonging(state: Path, part: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a program that is a `part` of the local cluster in `state`, and means that cluster."""
    given = {name: value for name, value in environ.items() if name != KUBECONFIG}
    return {**given, "ARGOSY_STATE": str(state), **marks(state, part)}


def start(module: str, argument: str, log: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Run `python -m module argument` in a session of its own; what it says is added to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, argument],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=CHECKOUT,
            env=environ,
            start_new_session=True,
        )
