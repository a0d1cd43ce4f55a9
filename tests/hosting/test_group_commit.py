"""What waits is committed together, answered only then, and undone apart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from services.hosting.errors import NotFound
from services.hosting.group_commit import MOST, GroupCommit

WAIT = 30.0  # seconds


@dataclass
class Commits:
    """The commits of an engine: how many there were, and a gate before each."""

    begun: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)
    count: int = 0

    def watch(self, engine: Engine) -> None:
        @event.listens_for(engine, "commit")
        def commit(_: Connection) -> None:
            self.begun.set()
            assert self.open.wait(WAIT)
            self.count += 1

    async def under_way(self) -> None:
        """Wait until one is at the gate."""
        assert await asyncio.to_thread(self.begun.wait, WAIT)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{tmp_path}/rows.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE rows (name TEXT PRIMARY KEY)"))
    return engine


@pytest.fixture
def commits(engine: Engine) -> Commits:
    commits = Commits()
    commits.watch(engine)
    return commits


@pytest.fixture
async def lane(engine: Engine, commits: Commits) -> AsyncIterator[GroupCommit]:
    lane = GroupCommit(engine, "writer")
    yield lane
    commits.open.set()
    await lane.close()


def add(connection: Connection, name: str) -> str:
    connection.execute(text("INSERT INTO rows VALUES (:name)"), {"name": name})
    return name


def adding(lane: GroupCommit, name: str) -> asyncio.Task[str]:
    return asyncio.create_task(lane.run(lambda connection: add(connection, name)))


def written(engine: Engine) -> list[str]:
    with create_engine(engine.url).connect() as connection:
        return list(connection.execute(text("SELECT name FROM rows ORDER BY name")).scalars())


async def test_what_waits_while_another_commits_is_committed_together(lane: GroupCommit, commits: Commits) -> None:
    first = adding(lane, "a")
    await commits.under_way()
    others = [adding(lane, f"b{number}") for number in range(MOST)]
    await asyncio.sleep(0)  # they have come
    commits.open.set()
    assert await first == "a"
    assert await asyncio.gather(*others) == [f"b{number}" for number in range(MOST)]
    assert commits.count == 2


async def test_only_so_many_are_committed_together(lane: GroupCommit, commits: Commits) -> None:
    first = adding(lane, "a")
    await commits.under_way()
    others = [adding(lane, f"b{number}") for number in range(MOST + 1)]
    await asyncio.sleep(0)
    commits.open.set()
    await asyncio.gather(first, *others)
    assert commits.count == 3


async def test_nobody_is_answered_before_the_commit(lane: GroupCommit, commits: Commits, engine: Engine) -> None:
    waiting = [adding(lane, name) for name in ("a", "b")]
    await commits.under_way()
    assert written(engine) == []
    assert not any(each.done() for each in waiting)
    commits.open.set()
    await asyncio.gather(*waiting)
    assert written(engine) == ["a", "b"]


async def test_one_that_raises_is_undone_alone(lane: GroupCommit, commits: Commits, engine: Engine) -> None:
    def refuse(connection: Connection) -> None:
        add(connection, "undone")
        raise NotFound("NOTHING", "there is nothing")

    first = adding(lane, "a")
    await commits.under_way()
    good, refused, better = adding(lane, "b"), asyncio.create_task(lane.run(refuse)), adding(lane, "c")
    await asyncio.sleep(0)
    commits.open.set()
    with pytest.raises(NotFound):
        await refused
    assert [await each for each in (first, good, better)] == ["a", "b", "c"]
    assert written(engine) == ["a", "b", "c"]


async def test_one_that_finds_what_another_has_just_written_is_told_when_both_are_kept(
    lane: GroupCommit, commits: Commits, engine: Engine
) -> None:
    first = adding(lane, "a")
    await commits.under_way()
    count = asyncio.create_task(
        lane.run(lambda connection: connection.execute(text("SELECT count(*) FROM rows")).scalar())
    )
    await asyncio.sleep(0)
    assert not count.done()
    commits.open.set()
    assert (await first, await count) == ("a", 1)
    assert written(engine) == ["a"]


async def test_one_that_nobody_waits_for_any_more_is_not_begun(
    lane: GroupCommit, commits: Commits, engine: Engine
) -> None:
    first = adding(lane, "a")
    await commits.under_way()
    left, kept = adding(lane, "left"), adding(lane, "kept")
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    commits.open.set()
    await asyncio.gather(first, kept)
    assert written(engine) == ["a", "kept"]


async def test_one_that_has_begun_is_finished_whoever_leaves(
    lane: GroupCommit, commits: Commits, engine: Engine
) -> None:
    first = adding(lane, "a")
    await commits.under_way()
    first.cancel()
    await asyncio.wait([first])
    commits.open.set()
    await lane.close()
    assert written(engine) == ["a"]
