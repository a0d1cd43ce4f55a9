"""How is a Chromium fetched? As an npm package, none of whose code runs: it is only unpacked.

`npm pack` brings the archive through the user's own registry settings; we compare its checksum. In it are a headless
Chromium, the libraries that a machine without a desktop lacks, and a font, each compressed with Brotli.
"""

from __future__ import annotations

import base64
import hashlib
import io
import platform
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import brotli

from mesh.browser.problems import NoChromium
from mesh.local.build import UNFINISHED
from mesh.local.progress import Progress

PROGRAM, LIBRARIES, FONTS = "chromium", "lib", "fonts.conf"
MACHINE = "x86_64"  # what the package is compiled for
_LAST_WORDS = 500
# The one in the package names folders of the cloud it was made for.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Package:
    """A version of an npm package and the SHA-512 of its archive, as npm writes it."""

    name: str
    checksum: str


PACKAGE = Package(
    "@sparticuz/chromium@153.0.0",
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)


def fetch(package: Package, folder: Path, progress: Progress, environ: Mapping[str, str]) -> None:
    """Unpack the Chromium in `package` into `folder`, all or nothing. Raises NoChromium."""
    if platform.machine() != MACHINE:
        raise NoChromium(f"{package.name} is for {MACHINE}, this machine is {platform.machine()}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder.parent) as half:
        progress.now(f"fetching {package.name} (68 MB)")
        archive = _packed(package, Path(half), environ)
        progress.now("unpacking Chromium (210 MB)")
        _unpack(archive, Path(half) / "whole")
        (Path(half) / "whole").rename(folder)
    progress.done(f"fetched {package.name}")


def _packed(package: Package, into: Path, environ: Mapping[str, str]) -> bytes:
    """The package's archive, with the right checksum."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(into), package.name]
    try:
        done = subprocess.run(command, check=False, cwd=into, env=dict(environ), capture_output=True, text=True)
    except FileNotFoundError:
        raise NoChromium(f"npm, which fetches {package.name}, is not on PATH") from None
    archives = list(into.glob("*.tgz"))
    if done.returncode or not archives:
        raise NoChromium(f"npm cannot fetch {package.name}: {(done.stdout + done.stderr).strip()[-_LAST_WORDS:]}")
    content = archives[0].read_bytes()
    checksum = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if checksum != package.checksum:
        raise NoChromium(f"{package.name} is not what it was: {checksum} instead of {package.checksum}")
    return content


def _unpack(archive: bytes, into: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        for name in ("al2023", "fonts"):
            with tarfile.open(fileobj=io.BytesIO(_part(package, f"{name}.tar"))) as part:
                part.extractall(into)  # noqa: S202 - the archive's checksum is pinned
        (into / PROGRAM).write_bytes(_part(package, "chromium"))
    (into / PROGRAM).chmod(0o755)
    (into / FONTS).write_text(_FONTS, encoding="utf-8")


def _part(package: tarfile.TarFile, name: str) -> bytes:
    part = package.extractfile(f"package/bin/{name}.br")
    if part is None:
        raise NoChromium(f"the package holds no {name}")
    content: bytes = brotli.decompress(part.read())
    return content
