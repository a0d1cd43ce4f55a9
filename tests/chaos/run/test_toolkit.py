from __future__ import annotations

from pathlib import Path

import pytest
from lightkube.resources.core_v1 import ConfigMap

from mesh.chaos.experiment import Change
from mesh.chaos.problems import ChaosError, NotInjected
from mesh.chaos.run import proving, undoing
from mesh.chaos.site import Site
from mesh.chaos.toolkit import put_in, run_of, take_out
from mesh.chaos.undo import UndoLog
from tests.chaos.run.door import door


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "PATIENCE", 0.0)
    monkeypatch.setattr(proving, "PATIENCE", 0.1)


def log(site: Site, tmp_path: Path) -> UndoLog:
    """As every process opens it anew."""
    return UndoLog(site.client, tmp_path, site.run, site.shop.namespace)


async def remembered(site: Site) -> list[ConfigMap]:
    return [one async for one in site.client.list(ConfigMap, namespace=site.shop.namespace)]


async def test_what_one_process_injects_another_one_removes(site: Site, house: Path, tmp_path: Path) -> None:
    assert await put_in(site, log(site, tmp_path), door(house)) == "door: the door door is looked at"
    assert (house / "door").exists()
    assert await remembered(site)
    await take_out(site, log(site, tmp_path), door(house))
    assert not (house / "door").exists()
    assert not await remembered(site)


async def test_what_was_never_injected_is_removed(site: Site, house: Path, tmp_path: Path) -> None:
    assert await take_out(site, log(site, tmp_path), door(house)) == "no door is left"


async def test_what_is_there_already_is_not_injected_again(site: Site, house: Path, tmp_path: Path) -> None:
    await put_in(site, log(site, tmp_path), door(house))
    with pytest.raises(NotInjected, match="argosy chaos clean"):
        await put_in(site, log(site, tmp_path), door(house))


async def test_what_cannot_be_proved_is_not_injected(site: Site, house: Path, tmp_path: Path) -> None:
    with pytest.raises(NotInjected, match="nothing proves"):
        await put_in(site, log(site, tmp_path), door(house, dark=True))
    assert log(site, tmp_path).left()  # to be removed all the same


async def test_what_cannot_be_removed_is_said(site: Site, house: Path, tmp_path: Path) -> None:
    sticking = door(house, sticks=True)
    await put_in(site, log(site, tmp_path), sticking)
    with pytest.raises(ChaosError, match="the door sticks"):
        await take_out(site, log(site, tmp_path), sticking)
    assert log(site, tmp_path).left()


def test_each_change_has_a_name_that_every_process_gives_it() -> None:
    slow = Change(fault="server-slow", arguments={"service": "payments", "seconds": 2})
    again = Change(fault="server-slow", arguments={"seconds": 2, "service": "payments"})
    slower = Change(fault="server-slow", arguments={"service": "payments", "seconds": 3})
    assert run_of(slow) == run_of(again)
    assert run_of(slow) != run_of(slower)
    assert len(f"chaos-undo-{run_of(slow)}") < 63
