"""Chromium is fetched by a scripted `npm`, which packs a small archive: no network is asked."""

from __future__ import annotations

import base64
import hashlib
import io
import platform
import sys
import tarfile
from pathlib import Path

import brotli
import pytest

from mesh.browser.chromium import ensure_chromium
from mesh.browser.package import Package
from mesh.browser.problems import NoChromium
from mesh.local.build import UNFINISHED

NPM = """#!{python}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if (here / "offline").exists():
    sys.exit("npm error network: nobody answers")
shutil.copy(here / "archive", pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1]) / "package.tgz")
"""


class Told:
    """Progress that only remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def now(self, text: str) -> None:
        self.lines.append(text)

    def done(self, text: str) -> None:
        self.lines.append(text)


def tar(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


ARCHIVE = tar(
    package__bin__chromium_dot_br=brotli.compress(b"#!/bin/sh\necho here\n"),
    package__bin__al2023_dot_tar_dot_br=brotli.compress(tar(lib__libnss3_dot_so=b"library")),
    package__bin__fonts_dot_tar_dot_br=brotli.compress(tar(fonts__a_dot_ttf=b"font", fonts_dot_conf=b"theirs")),
)
PACKAGE = Package("chromium@1", "sha512-" + base64.b64encode(hashlib.sha512(ARCHIVE).digest()).decode())


@pytest.fixture
def npm(tmp_path: Path) -> Path:
    """The folder of the scripted `npm`, which is alone on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "archive").write_bytes(ARCHIVE)
    (folder / "npm").write_text(NPM.format(python=sys.executable))
    (folder / "npm").chmod(0o755)
    return folder


def calls(npm: Path) -> list[str]:
    return (npm / "calls").read_text().splitlines() if (npm / "calls").exists() else []


def program(at: Path) -> Path:
    at.write_text("#!/bin/sh\n")
    at.chmod(0o755)
    return at


@pytest.fixture(autouse=True)
def fitting_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_a_given_program_is_driven_and_nothing_is_fetched(tmp_path: Path, npm: Path) -> None:
    given = program(tmp_path / "mine")
    environ = {"ARGOSY_CHROMIUM": str(given), "PATH": str(npm)}
    assert ensure_chromium(tmp_path / "cache", Told(), environ, PACKAGE).program == given
    assert calls(npm) == []


def test_a_given_program_that_is_none_is_no_reason_to_take_another(tmp_path: Path, npm: Path) -> None:
    with pytest.raises(NoChromium, match="ARGOSY_CHROMIUM=/nowhere is not a program"):
        ensure_chromium(tmp_path / "cache", Told(), {"ARGOSY_CHROMIUM": "/nowhere", "PATH": str(npm)}, PACKAGE)


def test_an_installed_chromium_is_driven_and_nothing_is_fetched(tmp_path: Path, npm: Path) -> None:
    installed = program(npm / "chromium")
    found = ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(npm)}, PACKAGE)
    assert (found.program, found.environment) == (installed, {})
    assert calls(npm) == []


def test_otherwise_one_is_fetched_once_with_its_libraries_and_fonts(tmp_path: Path, npm: Path) -> None:
    told = Told()
    for _ in range(2):
        found = ensure_chromium(tmp_path / "cache", told, {"PATH": str(npm)}, PACKAGE)
    assert found.program.stat().st_mode & 0o111
    assert (Path(found.environment["LD_LIBRARY_PATH"]) / "libnss3.so").read_bytes() == b"library"
    fonts = Path(found.environment["FONTCONFIG_FILE"])
    assert "theirs" not in fonts.read_text()
    assert (fonts.parent / "fonts" / "a.ttf").exists()
    assert len(calls(npm)) == 1
    assert told.lines[0].startswith("fetching chromium@1")


def test_another_archive_under_the_same_name_is_refused_and_nothing_is_left(tmp_path: Path, npm: Path) -> None:
    (npm / "archive").write_bytes(ARCHIVE + b"!")
    with pytest.raises(NoChromium, match="is not what it was"):
        ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(npm)}, PACKAGE)
    assert list((tmp_path / "cache" / "chromium").iterdir()) == []


def test_where_npm_fails_its_words_are_told_with_what_to_do(tmp_path: Path, npm: Path) -> None:
    (npm / "offline").touch()
    with pytest.raises(NoChromium, match=r"nobody answers\n.*apt-get install chromium.*ARGOSY_CHROMIUM"):
        ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(npm)}, PACKAGE)


def test_where_npm_is_missing_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoChromium, match=r"npm.* is not on PATH"):
        ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(tmp_path)}, PACKAGE)


def test_on_a_machine_it_is_not_compiled_for_none_is_fetched(
    tmp_path: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(NoChromium, match="is for x86_64, this machine is aarch64"):
        ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(npm)}, PACKAGE)
    assert calls(npm) == []


def test_another_version_is_fetched_anew(tmp_path: Path, npm: Path) -> None:
    for package in (PACKAGE, Package("chromium@2", PACKAGE.checksum)):
        ensure_chromium(tmp_path / "cache", Told(), {"PATH": str(npm)}, package)
    assert len(calls(npm)) == 2
    assert not list((tmp_path / "cache" / "chromium").glob(f"{UNFINISHED}*"))
