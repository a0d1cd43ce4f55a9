"""Which software is in an image? Python's and Debian's own records of it, as found in the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from fnmatch import fnmatchcase

RECORDS = ("opt/argosy/lib/*/site-packages/*.dist-info/METADATA", "var/lib/dpkg/status", "usr/lib/os-release")


@dataclass(frozen=True, order=True)
class Package:
    """Software with a version."""

    kind: str
    """`pypi`, `deb` or `generic`: the type of a package URL."""
    name: str
    version: str
    license: str = ""
    architecture: str = ""
    distribution: str = ""
    """`debian-12`, of a Debian package."""


def is_record(path: str) -> bool:
    """Whether packages are recorded in this file of an image."""
    return any(fnmatchcase(path, pattern) for pattern in RECORDS)


def packages(records: Mapping[str, bytes], environment: Sequence[str]) -> list[Package]:
    """All that `records` and the image's environment tell of. Python says its version there and nowhere else."""
    found = {*_python(records), *_debian(records)}
    found |= {
        Package("generic", "python", one.partition("=")[2]) for one in environment if one.startswith("PYTHON_VERSION=")
    }
    return sorted(found)


def _python(records: Mapping[str, bytes]) -> Iterator[Package]:
    for path, content in records.items():
        if path.endswith("/METADATA"):
            said = _fields(content)
            license_ = said.get("License-Expression") or said.get("License") or ""
            yield Package("pypi", said["Name"].lower().replace("_", "-"), said["Version"], _one_line(license_))


def _debian(records: Mapping[str, bytes]) -> Iterator[Package]:
    release = dict(
        line.replace('"', "").split("=", 1) for line in records.get("usr/lib/os-release", b"").decode().splitlines()
    )
    where = f"{release.get('ID', 'debian')}-{release.get('VERSION_ID', '')}"
    for paragraph in records.get("var/lib/dpkg/status", b"").split(b"\n\n"):
        said = _fields(paragraph)
        if said.get("Status", "").endswith(" installed"):
            yield Package(
                "deb", said["Package"], said["Version"], architecture=said["Architecture"], distribution=where
            )


def _fields(content: bytes) -> Message:
    return BytesParser().parsebytes(content, headersonly=True)


def _one_line(text: str) -> str:
    """A licence's name; some packages put its whole text there, which is no name."""
    return "" if "\n" in text.strip() else text.strip()
