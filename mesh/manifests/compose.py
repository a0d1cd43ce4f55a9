"""Is compose.yaml one that any Compose would start?"""

from __future__ import annotations

import subprocess
from pathlib import Path

from mesh.manifests.problem import Problem

FILE = "compose.yaml"


def check_compose(compose: Path, file: Path) -> list[Problem]:
    """What the Compose specification's loader has against `file`, which may stand in for a whole project."""
    done = subprocess.run([compose, file], check=False, capture_output=True, text=True)
    return [Problem(file.name, "", "", done.stderr.strip(), "compose")] if done.returncode else []
