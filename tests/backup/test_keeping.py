"""A restore brings everything back, and whatever goes wrong in it, what was there still is."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from mesh.backup.exchange import exchange
from mesh.backup.keeping import back_up, restore
from mesh.backup.problems import AlreadyThere, Damaged, NotExchangeable, NothingStored
from mesh.local.state_folder import StateFolder
from tests.backup.stored import Silent, lines, write

MADE, LATER = datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    write(folder, orders=1, payments=1)
    return folder


@pytest.fixture
def archive(folder: StateFolder, tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar.gz"
    back_up(folder, file, MADE, Silent())
    return file


def names(folder: StateFolder) -> set[str]:
    return {path.name for path in folder.root.iterdir()}


def test_everything_is_as_it_was_and_what_came_between_is_kept(folder: StateFolder, archive: Path) -> None:
    write(folder, orders=2, payments=2, users=2)
    done = restore(folder, archive, LATER, Silent(), may_stop=False)
    assert lines(folder.volumes) == {"orders": 1, "payments": 1}
    assert done.manifest.made == MADE
    assert done.replaced == folder.root / "volumes-replaced-20261121T100000.000000Z"
    assert lines(done.replaced) == {"orders": 2, "payments": 2, "users": 2}
    assert names(folder) == {"volumes", done.replaced.name}


def test_it_can_be_restored_where_nothing_was(archive: Path, tmp_path: Path) -> None:
    elsewhere = StateFolder(tmp_path / "elsewhere")
    assert restore(elsewhere, archive, LATER, Silent(), may_stop=False).replaced is None
    assert lines(elsewhere.volumes) == {"orders": 1, "payments": 1}
    assert names(elsewhere) == {"volumes"}


def test_a_damaged_archive_changes_nothing_and_leaves_nothing(folder: StateFolder, archive: Path) -> None:
    write(folder, orders=2)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(Damaged):
        restore(folder, archive, LATER, Silent(), may_stop=False)
    assert lines(folder.volumes) == {"orders": 2, "payments": 1}
    assert names(folder) == {"volumes"}


def test_a_backup_that_cannot_be_made_leaves_nothing(folder: StateFolder, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(AlreadyThere):
        back_up(folder, archive, LATER, Silent())
    with pytest.raises(FileNotFoundError):
        back_up(folder, tmp_path / "nowhere" / "backup.tar.gz", LATER, Silent())
    assert names(folder) == {"volumes"}


def test_without_data_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "empty")
    with pytest.raises(NothingStored):
        back_up(folder, tmp_path / "backup.tar.gz", MADE, Silent())
    (folder.volumes / "shop").mkdir(parents=True)
    with pytest.raises(NothingStored):
        back_up(folder, tmp_path / "backup.tar.gz", MADE, Silent())


class Onlooker:
    """A thread that looks whether there is a `place`, again and again; somebody killed at any moment sees the same."""

    def __init__(self, place: Path) -> None:
        self._place, self._over = place, threading.Event()
        self.missed = self.looks = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            self.looks += 1
            self.missed += not self._place.exists()


def two_folders(parent: Path) -> tuple[Path, Path]:
    one, other = parent / "one", parent / "other"
    for made in (one, other):
        made.mkdir()
        (made / made.name).touch()
    return one, other


def test_two_folders_change_places_and_nobody_ever_finds_none(tmp_path: Path) -> None:
    one, other = two_folders(tmp_path)
    with Onlooker(one) as onlooker:
        while onlooker.looks < 2000:
            exchange(one, other)
    assert onlooker.missed == 0


def test_renamed_one_after_the_other_there_is_a_moment_without(tmp_path: Path) -> None:
    """The negative control of the test above."""
    one, other = two_folders(tmp_path)
    with Onlooker(one) as onlooker:
        while not onlooker.missed:
            one.rename(tmp_path / "third")
            other.rename(one)
            (tmp_path / "third").rename(other)
    assert onlooker.missed


def test_folders_that_cannot_change_places_stay_where_they_are(tmp_path: Path) -> None:
    one, other = two_folders(tmp_path)
    shutil.rmtree(other)
    with pytest.raises(NotExchangeable, match="No such file"):
        exchange(one, other)
    assert (one / "one").exists()
