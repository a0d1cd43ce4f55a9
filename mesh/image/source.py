"""What is an image made from? The commit, and the moment every file in it is dated with."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """Goes into the image's labels and dates."""

    version: str
    revision: str
    """A commit; `-dirty` when the checkout holds something else outside docs, `unknown` without git."""
    epoch: int
    """Seconds since 1970: the commit's, so that two builds of it are the same bytes."""


def read_source(root: Path, environ: Mapping[str, str]) -> Source:
    """The source in `root`. SOURCE_DATE_EPOCH, as everywhere, overrules the commit's date."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit, _, committed = _git(root, "log", "--max-count=1", "--format=%H %ct").partition(" ")
    changed = "-dirty" if _git(root, "status", "--porcelain", "--", ".", ":(exclude)docs") else ""
    epoch = environ.get("SOURCE_DATE_EPOCH") or committed or 0
    return Source(version, f"{commit}{changed}" if commit else "unknown", int(epoch))


def _git(root: Path, *arguments: str) -> str:
    """What git says; nothing when `root` is no checkout or there is no git."""
    try:
        done = subprocess.run(["git", "-C", root, *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
