from __future__ import annotations

from pathlib import Path

import pytest
from lightkube import ApiError

from mesh.chaos.site import Site
from mesh.chaos.undo import FILE, LABEL, UndoLog, forget, left_in, read, remembered
from tests.canary.kubernetes_api import KubernetesApi, Refusal
from tests.chaos.run.conftest import RUN
from tests.chaos.run.door import door


@pytest.fixture
def log(site: Site, tmp_path: Path) -> UndoLog:
    return UndoLog(site.client, tmp_path, RUN, "shop")


async def test_what_is_planned_stands_in_the_file_and_in_the_cluster(log: UndoLog, site: Site, tmp_path: Path) -> None:
    planned = await log.write_ahead(door(tmp_path), {"before": 1})
    assert left_in(tmp_path / FILE) == (planned,)
    assert await remembered(site.client, "shop") == {RUN: (planned,)}


async def test_the_cluster_says_whose_it_is(log: UndoLog, api: KubernetesApi, tmp_path: Path) -> None:
    await log.write_ahead(door(tmp_path), {})
    assert api.objects["configmaps", f"chaos-undo-{RUN}"]["metadata"]["labels"] == {LABEL: RUN}


async def test_what_is_undone_is_left_no_more(log: UndoLog, tmp_path: Path) -> None:
    front = await log.write_ahead(door(tmp_path, "front"), {})
    back = await log.write_ahead(door(tmp_path, "back"), {})
    log.undone(front)
    assert log.left() == (back,)


async def test_a_line_that_a_kill_has_cut_off_says_nothing(log: UndoLog, tmp_path: Path) -> None:
    planned = await log.write_ahead(door(tmp_path), {})
    with (tmp_path / FILE).open("a") as file:
        file.write('{"planned": 1, "fau')
    assert log.left() == (planned,)


async def test_what_the_cluster_does_not_take_must_not_be_done(
    log: UndoLog, api: KubernetesApi, tmp_path: Path
) -> None:
    def full(_method: str, _path: str) -> None:
        raise Refusal(507, "etcd is full")  # type: ignore[arg-type]

    api.before_write = full
    with pytest.raises(ApiError):
        await log.write_ahead(door(tmp_path), {})


async def test_a_cluster_that_forgets_twice_has_forgotten(log: UndoLog, site: Site, tmp_path: Path) -> None:
    await log.write_ahead(door(tmp_path), {})
    await log.close()
    await forget(site.client, RUN, "shop")
    assert await remembered(site.client, "shop") == {}


def test_nothing_written_is_nothing_left(tmp_path: Path) -> None:
    assert (read([]), left_in(tmp_path / FILE)) == ((), ())
