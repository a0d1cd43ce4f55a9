"""What does Istio say of an overlay as a whole? Routes to hosts and subsets that do not exist, for one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from mesh.manifests.problem import Problem


def analyze(istioctl: Path, where: str, text: str, namespace: str = "shop") -> list[Problem]:
    """Every message of `istioctl analyze`, whatever its level."""
    with TemporaryDirectory(prefix="argosy-manifests-") as folder:
        file = Path(folder) / "built.yaml"
        file.write_text(text, encoding="utf-8")
        flags = ["--use-kube=false", f"--namespace={namespace}", "--output=json", "--failure-threshold=Info"]
        done = subprocess.run([istioctl, "analyze", *flags, file], check=False, capture_output=True, text=True)
    if not done.stdout.startswith("["):
        return [Problem(where, "", "", (done.stderr or done.stdout).strip(), "istioctl analyze")]
    return [
        Problem(where, _object(one.get("origin", "")), "", one["message"], f"istioctl analyze {one['code']}")
        for one in json.loads(done.stdout)
    ]


def _object(origin: str) -> str:
    """`Kind/name` of what istioctl calls "Kind namespace/name"."""
    kind, _, name = origin.partition(" ")
    return f"{kind}/{name.rpartition('/')[2]}" if name else origin
