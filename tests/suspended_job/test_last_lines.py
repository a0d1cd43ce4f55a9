"""The log of a container that has ended is complete when it says so, or grows no more for a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mesh.last_lines import QUIET, READS, Lines, whole_log

ALL = ["one", "two"]
QUIET_NOW = [ALL] * QUIET


async def no_sleep(_: float) -> None:
    return None


async def read_all(reads: Iterator[Lines], *, wanted: str = "") -> Lines:
    async def read() -> Lines:
        return next(reads)

    return await whole_log(read, no_sleep, (lambda lines: wanted in lines) if wanted else None)


@pytest.mark.parametrize(
    ("reads", "whole"),
    [
        ([ALL, *QUIET_NOW], ALL),
        ([[], ALL, *QUIET_NOW], ALL),
        ([["one"], ["one"], ALL, *QUIET_NOW], ALL),
        ([[]] * (READS + 1), []),
    ],
    ids=["at once", "late", "in parts", "nothing"],
)
async def test_it_is_read_until_it_grows_no_more(reads: list[Lines], whole: Lines) -> None:
    left = iter(reads)
    assert await read_all(left) == whole
    assert list(left) == []


async def test_it_is_read_until_what_was_expected_is_there_however_quiet_it_is() -> None:
    left = iter([*[["one"]] * (QUIET + 2), ALL, ["never read"]])
    assert await read_all(left, wanted="two") == ALL
    assert list(left) == [["never read"]]
