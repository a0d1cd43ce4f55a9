"""Databases are copied as they all were at one instant, while others write to them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile
from typing import Self

import pytest

from mesh.backup import snapshot
from mesh.backup.problems import StaysBusy
from mesh.backup.snapshot import copy, databases, left_out, one_instant, problems
from mesh.local.state_folder import StateFolder
from tests.backup.stored import BOOKS, last_line, opened, place, write


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    write(folder, **dict.fromkeys(BOOKS, 0))
    return folder


class Shop:
    """A thread that writes line after line: into the first book, and when that is committed into the second."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder, self._closing = folder, threading.Event()
        self.line = 0

    def run(self) -> None:
        with ExitStack() as stack:
            books = [stack.enter_context(opened(place(self._folder, service))) for service in BOOKS]
            while not self._closing.is_set():
                self.line += 1
                for book in books:
                    book.execute("INSERT INTO book VALUES (?)", [self.line])

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()


def test_books_agree_although_they_are_written_one_after_the_other(folder: StateFolder, tmp_path: Path) -> None:
    found = []
    with Shop(folder) as shop:
        for number in range(20):
            before = shop.line
            with one_instant(databases(folder.volumes)) as readers:
                while shop.line < before + 3:  # the shop goes on while we copy
                    threading.Event().wait(0.001)
                copies = [tmp_path / f"{service}-{number}.db" for service in BOOKS]
                for service, target in zip(BOOKS, copies, strict=True):
                    copy(readers[place(folder, service)], target)
            found.append((last_line(copies[0]), last_line(copies[1])))
    assert [pair for pair in found if pair[0] - pair[1] not in {0, 1}] == []
    assert found[-1][0] > found[0][0]


def test_copied_one_after_the_other_they_disagree(folder: StateFolder, tmp_path: Path) -> None:
    """The negative control of the test above."""
    first, second = (place(folder, service) for service in BOOKS)
    with one_instant([first]) as readers:
        copy(readers[first], tmp_path / "first.db")
    write(folder, orders=1, payments=1)
    with one_instant([second]) as readers:
        copy(readers[second], tmp_path / "second.db")
    assert (last_line(tmp_path / "first.db"), last_line(tmp_path / "second.db")) == (0, 1)


def test_what_stands_in_the_log_alone_is_copied(folder: StateFolder, tmp_path: Path) -> None:
    file = place(folder, "orders")
    with opened(file) as connection:
        connection.execute("INSERT INTO book VALUES (7)")
        with one_instant([file]) as readers:
            copy(readers[file], tmp_path / "copy.db")
        copyfile(file, tmp_path / "naive.db")
    assert last_line(tmp_path / "copy.db") == 7
    assert last_line(tmp_path / "naive.db") == 0  # what `cp` brings to safety


def test_a_database_that_stays_locked_is_named_and_nobody_else_is_kept_waiting(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "GIVE_UP_AFTER", 0.0)
    with opened(place(folder, "payments")) as busy:
        busy.execute("BEGIN IMMEDIATE")
        with pytest.raises(StaysBusy, match=r"payments\.db"), one_instant(databases(folder.volumes)):
            pass
        write(folder, orders=1)


def test_while_the_copy_is_made_everybody_may_write(folder: StateFolder) -> None:
    with one_instant(databases(folder.volumes)):
        write(folder, **dict.fromkeys(BOOKS, 5))
    assert last_line(place(folder, "orders")) == 5


def test_what_is_no_database_is_named(folder: StateFolder) -> None:
    with opened(place(folder, "orders")):
        place(folder, "orders").with_name("orders.db.lock").touch()
        note = folder.volumes / "shop" / "notes.txt"
        note.write_text("remember the milk")
        assert databases(folder.volumes) == [place(folder, service) for service in BOOKS]
        assert left_out(folder.volumes) == [note]


def test_a_damaged_database_is_seen(folder: StateFolder) -> None:
    file = place(folder, "orders")
    with opened(file) as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO book VALUES (?)", [[number] for number in range(5000)])
        connection.execute("COMMIT")
    assert problems(file) == []
    content = bytearray(file.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    file.write_bytes(content)
    assert problems(file) != []
    file.write_bytes(b"SQLite format 3\x00 and nothing more")
    assert problems(file) != []
