from __future__ import annotations

from pathlib import Path

import pytest

from mesh.chaos.run import undoing
from mesh.chaos.run.cleaning import clean_up
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL, UndoLog, remembered
from tests.canary.kubernetes_api import KubernetesApi
from tests.chaos.run.conftest import RUN
from tests.chaos.run.door import door, told


def made(api: KubernetesApi, plural: str, name: str, run: str) -> None:
    api.put(plural, {"metadata": {"name": name, "namespace": "shop", "labels": {LABEL: run}}})


async def test_what_was_written_down_is_undone_and_what_was_made_is_deleted(
    site: Site, api: KubernetesApi, house: Path, tmp_path: Path
) -> None:
    log = UndoLog(site.client, tmp_path, RUN, "shop")
    planned = await log.write_ahead(door(house), {})
    made(api, "envoyfilters", "ours", RUN)
    made(api, "envoyfilters", "another-run's", "20261121-160000-windows")
    assert await clean_up(site, [planned], log.undone) == ()
    assert told(house) == ["closed door"]
    assert [name for kind, name in api.objects if kind == "envoyfilters"] == ["another-run's"]
    assert (log.left(), await remembered(site.client, "shop")) == ((), {})


async def test_twice_is_as_once(site: Site, house: Path, tmp_path: Path) -> None:
    log = UndoLog(site.client, tmp_path, RUN, "shop")
    planned = await log.write_ahead(door(house), {})
    for _ in range(2):
        assert await clean_up(site, [planned], log.undone) == ()


async def test_what_cannot_be_undone_stays_remembered(
    site: Site, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "PATIENCE", 0.0)
    monkeypatch.setattr(undoing, "AGAIN_AFTER", 0.01)
    log = UndoLog(site.client, tmp_path, RUN, "shop")
    planned = await log.write_ahead(door(house, sticks=True), {})
    assert await clean_up(site, [planned], log.undone) == ("door is not undone: the door sticks",)
    assert list(await remembered(site.client, "shop")) == [RUN]
