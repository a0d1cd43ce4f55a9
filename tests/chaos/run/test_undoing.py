from __future__ import annotations

from pathlib import Path

import pytest

from mesh.chaos.run import proving, undoing
from mesh.chaos.run.undoing import undo
from mesh.chaos.site import Site
from mesh.chaos.undo import Planned
from tests.chaos.run.door import door, told


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "PATIENCE", 0.0)
    monkeypatch.setattr(undoing, "AGAIN_AFTER", 0.01)
    monkeypatch.setattr(proving, "PATIENCE", 0.1)
    monkeypatch.setattr(proving, "LOOK_EVERY", 0.01)


def opened(house: Path, *names: str) -> list[Planned]:
    for name in names:
        (house / name).touch()
    return [Planned(number, door(house, name), {}) for number, name in enumerate(names)]


async def test_the_latest_is_undone_first(site: Site, house: Path) -> None:
    await undo(site, opened(house, "front", "back"), lambda _: None)
    assert told(house) == ["closed back", "closed front"]


async def test_what_was_never_done_can_be_undone(site: Site, house: Path) -> None:
    planned = opened(house, "front")
    (house / "front").unlink()
    [undone] = await undo(site, planned, lambda _: None)
    assert undone.leftover == ""


async def test_one_that_cannot_be_undone_does_not_keep_the_others_from_it(site: Site, house: Path) -> None:
    marked: list[Planned] = []
    sticking = Planned(2, door(house, "cellar", sticks=True), {})
    front = opened(house, "front")
    undone = await undo(site, [*front, sticking], marked.append)
    assert [one.leftover for one in undone] == ["door is not undone: the door sticks", ""]
    assert marked == front


async def test_a_door_that_still_stands_open_is_left_although_its_removal_succeeded(
    site: Site, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_named: None)
    [undone] = await undo(site, opened(house, "front"), lambda _: None)
    assert undone.leftover == "door: the door front is looked at"


async def test_nobody_looks_for_what_does_not_last(site: Site, house: Path) -> None:
    [undone] = await undo(site, [Planned(0, door(house, fault="slam", dark=True), {})], lambda _: None)
    assert (undone.gone, undone.leftover) == (None, "")


async def test_in_the_dark_nothing_is_proved_and_nothing_is_left(site: Site, house: Path) -> None:
    [undone] = await undo(site, [Planned(0, door(house, dark=True), {})], lambda _: None)
    assert undone.gone
    assert (undone.gone.present, undone.leftover) == (None, "")
