"""What does a backup look like? A tar.gz: manifest.json with a checksum for each database, then the databases.

    manifest.json    {"format": 1, "made": "2026-11-21T09:15:00+00:00", "databases": [{"path", "bytes", "sha256"}]}
    shop/orders-data/orders.db    namespace, claim, file: as below the state folder's volumes/

It holds password hashes and the keys that sign tokens, so only its owner may read it. It appears whole or not at all,
and what does not match its manifest to the last byte is not unpacked anywhere it could be taken for data.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tarfile import TarFile, TarInfo
from typing import IO, Any

from mesh.backup.problems import AlreadyThere, Damaged
from mesh.backup.snapshot import problems

FORMAT = 1
MANIFEST = "manifest.json"
_MOST = 1 << 20  # bytes of a manifest
_CHUNK = 1 << 20
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Entry:
    """One database in the archive."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an archive holds."""

    made: datetime
    databases: Sequence[Entry]

    def as_json(self) -> dict[str, Any]:
        """The content of manifest.json."""
        return {
            "format": FORMAT,
            "made": self.made.isoformat(timespec="seconds"),
            "databases": [asdict(entry) for entry in self.databases],
        }


def pack(folder: Path, databases: Iterable[Path], made: datetime, file: Path) -> Manifest:
    """Write `databases`, which lie in `folder`, to `file`. Raises AlreadyThere."""
    manifest = Manifest(made, [_entry(folder, database) for database in databases])
    half = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            with tarfile.open(fileobj=written, mode="w:gz", compresslevel=6) as tar:
                _add(tar, manifest, folder)
            written.flush()
            os.fsync(written.fileno())
        _appear(half, file)
    finally:
        half.unlink(missing_ok=True)
    return manifest


def unpack(file: Path, folder: Path) -> Manifest:
    """Write the databases in `file` below `folder`, each proved to be whole. Raises Damaged."""
    try:
        with gzip.open(file) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            members = iter(tar)
            manifest = _manifest(tar, next(members, None))
            expected = {entry.path: entry for entry in manifest.databases}
            for member in members:
                if not member.isreg() or member.name not in expected:
                    raise Damaged(file, f"it holds {member.name!r}, which its manifest does not name, or twice")
                _write(tar, member, expected.pop(member.name), folder)
            while stream.read(_CHUNK):
                pass  # to the checksum at the very end, which tarfile does not ask for
    except _UNREADABLE as error:
        raise Damaged(file, error) from error
    if expected:
        raise Damaged(file, f"it lacks {', '.join(expected)}")
    _prove(file, folder, manifest.databases)
    return manifest


class _Mismatch(ValueError):
    """A database is not the one that was packed."""


def _entry(folder: Path, database: Path) -> Entry:
    with database.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Entry(str(database.relative_to(folder)), database.stat().st_size, digest)


def _add(tar: TarFile, manifest: Manifest, folder: Path) -> None:
    text = json.dumps(manifest.as_json(), indent=2).encode()
    tar.addfile(_member(MANIFEST, len(text), manifest.made), io.BytesIO(text))
    for entry in manifest.databases:
        with (folder / entry.path).open("rb") as opened:
            tar.addfile(_member(entry.path, entry.bytes, manifest.made), opened)


def _member(name: str, size: int, made: datetime) -> TarInfo:
    member = TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(made.timestamp())
    return member


def _appear(half: Path, file: Path) -> None:
    """Give a finished file its name, unless somebody has it. A link never replaces."""
    try:
        file.hardlink_to(half)
    except FileExistsError:
        raise AlreadyThere(file) from None
    sync_folder(file.parent)


def _manifest(tar: TarFile, first: TarInfo | None) -> Manifest:
    opened = tar.extractfile(first) if first and first.name == MANIFEST else None
    if opened is None:
        raise ValueError(f"it does not begin with {MANIFEST}")
    found: Mapping[str, Any] = json.loads(opened.read(_MOST))
    if found["format"] != FORMAT:
        raise ValueError(f"its format is {found['format']}, and this argosy knows {FORMAT}")
    entries = [Entry(**given) for given in found["databases"]]
    if wrong := [entry.path for entry in entries if not _PATH.fullmatch(entry.path)]:
        raise ValueError(f"it names {wrong[0]!r}")
    return Manifest(datetime.fromisoformat(found["made"]), entries)


def _write(tar: TarFile, member: TarInfo, entry: Entry, folder: Path) -> None:
    source = tar.extractfile(member)
    target = folder / entry.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        if source is None or (member.size, _copied(source, written)) != (entry.bytes, entry.sha256):
            raise _Mismatch(f"{entry.path} is not what was packed")
        written.flush()
        os.fsync(written.fileno())
    sync_folder(target.parent)


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    """The checksum of what was copied."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def _prove(file: Path, folder: Path, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if found := problems(folder / entry.path):
            raise Damaged(file, f"{entry.path}: {found[0]}")


def sync_folder(folder: Path) -> None:
    """Let the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
