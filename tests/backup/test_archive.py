"""An archive is unpacked as it was packed, to the last byte, or not at all."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mesh.backup.archive import Manifest, pack, unpack
from mesh.backup.problems import AlreadyThere, Damaged
from mesh.backup.snapshot import databases
from mesh.local.state_folder import StateFolder
from tests.backup.stored import lines, write

MADE = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
Members = dict[str, bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = StateFolder(tmp_path / "state")
    write(folder, orders=3, payments=4)
    return folder.volumes


@pytest.fixture
def archive(folder: Path, tmp_path: Path) -> Path:
    pack(folder, databases(folder), MADE, tmp_path / "backup.tar.gz")
    return tmp_path / "backup.tar.gz"


def members_of(archive: Path) -> Members:
    with tarfile.open(archive) as tar:
        return {member.name: content.read() for member in tar if (content := tar.extractfile(member))}


def written(archive: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def test_what_was_packed_is_unpacked(folder: Path, archive: Path, tmp_path: Path) -> None:
    manifest = unpack(archive, tmp_path / "new")
    assert isinstance(manifest, Manifest)
    assert manifest.made == MADE
    assert [entry.path for entry in manifest.databases] == [
        "shop/orders-data/orders.db",
        "shop/payments-data/payments.db",
    ]
    assert {name: content for name, content in members_of(archive).items() if name != "manifest.json"} == {
        entry.path: (folder / entry.path).read_bytes() for entry in manifest.databases
    }
    assert lines(tmp_path / "new") == {"orders": 3, "payments": 4}


def test_only_its_owner_may_read_it(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        assert {member.mode for member in tar} == {0o600}


def test_it_is_never_written_over_and_nothing_half_is_left(folder: Path, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(AlreadyThere):
        pack(folder, databases(folder), MADE, archive)
    with pytest.raises(FileNotFoundError):
        pack(folder, [folder / "shop" / "gone.db"], MADE, archive.with_name("other.tar.gz"))
    assert archive.read_bytes() == before
    assert {path.name for path in archive.parent.iterdir() if path.is_file()} == {archive.name}


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_one_that_was_cut_off_is_refused(archive: Path, tmp_path: Path, kept: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(Damaged, match="is no whole backup"):
        unpack(archive, tmp_path / "new")


def test_with_any_byte_changed_it_is_refused_or_gives_the_same(archive: Path, tmp_path: Path) -> None:
    content, refused = archive.read_bytes(), 0
    places = range(0, len(content), max(1, len(content) // 60))
    for place in places:
        archive.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            unpack(archive, tmp_path / str(place))
        except Damaged:
            refused += 1
        else:
            assert lines(tmp_path / str(place)) == {"orders": 3, "payments": 4}
    assert refused > len(places) // 2


def _manifest(members: Members, **changed: Any) -> Members:
    return members | {"manifest.json": json.dumps(json.loads(members["manifest.json"]) | changed).encode()}


def _renamed(members: Members, path: str) -> Members:
    manifest = json.loads(members["manifest.json"])
    manifest["databases"][0]["path"] = path
    return _manifest(members, **manifest)


ORDERS = "shop/orders-data/orders.db"
SPOILT: list[tuple[Callable[[Members], Members], str]] = [
    (lambda members: members | {ORDERS: members["shop/payments-data/payments.db"]}, "is not what was packed"),
    (lambda members: members | {ORDERS: members[ORDERS] + b"x"}, "is not what was packed"),
    (lambda members: {name: content for name, content in members.items() if name != ORDERS}, "it lacks"),
    (lambda members: members | {"shop/more.db": b""}, "which its manifest does not name"),
    (lambda members: {name: members[name] for name in reversed(members)}, r"does not begin with manifest\.json"),
    (lambda members: _manifest(members, format=2), "its format is 2, and this argosy knows 1"),
    (lambda members: _manifest(members, databases=[{"path": ORDERS}]), "missing"),
    (lambda members: members | {"manifest.json": b"["}, "Expecting value"),
    (lambda members: _renamed(members, "../../elsewhere.db"), "it names '../../elsewhere.db'"),
    (lambda members: _renamed(members, "/etc/elsewhere.db"), "it names '/etc/elsewhere.db'"),
    (lambda members: _renamed(members, "shop/.ssh/elsewhere.db"), "it names"),
]


@pytest.mark.parametrize(("spoil", "why"), SPOILT)
def test_one_that_somebody_has_changed_is_refused(
    archive: Path, tmp_path: Path, spoil: Callable[[Members], Members], why: str
) -> None:
    written(archive, *spoil(members_of(archive)).items())
    with pytest.raises(Damaged, match=why):
        unpack(archive, tmp_path / "new")


def test_a_database_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    members = members_of(archive)
    written(archive, *members.items(), (ORDERS, members[ORDERS]))
    with pytest.raises(Damaged, match="or twice"):
        unpack(archive, tmp_path / "new")


def test_one_that_was_damaged_before_it_was_packed_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / ORDERS).write_bytes(b"SQLite format 3\x00 and nothing more")
    pack(folder, databases(folder), MADE, tmp_path / "backup.tar.gz")
    with pytest.raises(Damaged, match=ORDERS):
        unpack(tmp_path / "backup.tar.gz", tmp_path / "new")
