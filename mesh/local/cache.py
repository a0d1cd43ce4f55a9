"""Where do things that outlive a checkout live? In one folder of the user's cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for built programs and downloads, made by whoever writes first.

    `ARGOSY_CACHE` when set, else `argosy` in the XDG cache folder.
    """
    if given := environ.get("ARGOSY_CACHE"):
        return Path(given).absolute()
    xdg = environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "argosy"
