"""Is a journal in the cluster appended to by one process only, and found again whatever happened meanwhile?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest
from lightkube import ApiError

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import KEPT_RUNS, PART_BYTES, Journals, Kept, Overtaken, Request
from mesh.canary.journal.state import Wish
from mesh.canary.problems import NoRun, Refused, Tampered
from tests.canary.journal.entries import STARTED
from tests.canary.kubernetes_api import KubernetesApi, Refusal

MAP = "configmaps"
NAME = "canary-catalog"
ENDED: dict[str, Any] = {"outcome": "promoted", "reason": "it is as good", "exit_code": 0}
REQUEST = Request(Wish.PAUSE, "berta@desk pid 2", "lunch", 5.0)


@pytest.fixture
def api() -> KubernetesApi:
    return KubernetesApi()


@pytest.fixture
async def journals(api: KubernetesApi) -> AsyncIterator[Journals]:
    async with api.client() as client:
        yield Journals(client, "catalog")


async def _begun(journals: Journals, run: str = "r1") -> Kept:
    return await journals.begin(Entry.after(None, at=1.0, run=run, kind=Kind.STARTED, by="anna", facts=STARTED))


def _next(kept: Kept, kind: Kind = Kind.NODATA, by: str = "anna", **facts: Any) -> Entry:
    last = kept.entries[-1]
    given = facts or {"step": 0, "why": "nobody answers"}
    return Entry.after(last, at=last.at + 1, run=last.run, kind=kind, by=by, facts=given)


async def _read(journals: Journals, run: str = "") -> Kept:
    kept = await journals.read(run)
    assert kept is not None
    return kept


async def test_what_is_appended_is_read_back_by_anybody(journals: Journals) -> None:
    kept = await _begun(journals)
    kept = await journals.append(kept, _next(kept))
    assert await _read(journals) == kept
    assert [entry.n for entry in kept.entries] == [1, 2]


async def test_no_journal_is_none(journals: Journals) -> None:
    assert await journals.read() is None
    assert await journals.read("r1") is None
    assert await journals.runs() == []


async def test_who_has_not_seen_the_last_entry_may_not_append(journals: Journals) -> None:
    """Two runners, of which one has lost the Lease without knowing it yet."""
    first = await _begun(journals)
    await journals.append(first, _next(first, Kind.STOLEN, "berta", **{"from": "anna", "reason": "she sleeps"}))
    with pytest.raises(Overtaken, match="berta"):
        await journals.append(first, _next(first))
    assert [entry.by for entry in (await _read(journals)).entries] == ["anna", "berta"]


async def test_an_append_whose_answer_was_lost_is_not_made_twice(journals: Journals) -> None:
    before = await _begun(journals)
    entry = _next(before)
    once = await journals.append(before, entry)
    again = await journals.append(before, entry)
    assert again.entries == once.entries


async def test_a_request_between_two_entries_is_no_obstacle_and_is_not_lost(journals: Journals) -> None:
    kept = await _begun(journals)
    await journals.ask(REQUEST)
    kept = await journals.append(kept, _next(kept))
    assert (len(kept.entries), kept.request) == (2, REQUEST)
    assert await journals.request() == REQUEST


async def test_the_entry_that_answers_a_request_takes_it_away(journals: Journals) -> None:
    kept = await _begun(journals)
    await journals.ask(REQUEST)
    await journals.append(kept, _next(kept, Kind.REQUESTED, what="pause", reason="lunch"), answers=True)
    assert await journals.request() is None


async def test_nobody_can_be_asked_where_no_run_is(journals: Journals) -> None:
    with pytest.raises(NoRun):
        await journals.ask(REQUEST)
    assert await journals.request() is None


async def test_a_run_that_has_not_ended_is_in_the_way_of_the_next(journals: Journals) -> None:
    await _begun(journals)
    with pytest.raises(Refused, match="resume"):
        await _begun(journals, "r2")


async def test_a_run_that_has_ended_has_a_name_of_its_own(api: KubernetesApi, journals: Journals) -> None:
    kept = await _begun(journals)
    kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    await journals.archive(kept)
    assert await journals.read() is None
    assert (await _read(journals, "r1")).entries == kept.entries
    assert [name for _, name in api.objects] == ["canary-catalog-r1"]


async def test_a_run_is_found_wherever_it_is_kept(journals: Journals) -> None:
    kept = await _begun(journals)
    assert await journals.find("r1") == kept
    kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    await journals.archive(kept)
    await _begun(journals, "r2")
    assert (await journals.find("r1")).entries == kept.entries
    with pytest.raises(NoRun, match="r0"):
        await journals.find("r0")


async def test_the_next_run_puts_away_what_a_killed_process_has_left(journals: Journals) -> None:
    kept = await _begun(journals)
    await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    await _begun(journals, "r2")
    assert await journals.runs() == ["r1", "r2"]


async def test_putting_away_twice_is_the_same_as_once(api: KubernetesApi, journals: Journals) -> None:
    """Killed after the copy was made and before the old name was given up."""
    kept = await _begun(journals)
    kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    old = api.objects[MAP, NAME]
    await journals.archive(kept)
    api.put(MAP, old)
    await journals.archive(await _read(journals))
    assert (await _read(journals, "r1")).entries == kept.entries
    assert await journals.read() is None


async def test_only_the_last_runs_are_kept(api: KubernetesApi, journals: Journals) -> None:
    for number in range(KEPT_RUNS + 3):
        kept = await _begun(journals, f"r{number:02}")
        kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
        await journals.archive(kept)
    assert await journals.runs() == [f"r{number:02}" for number in range(3, KEPT_RUNS + 3)]
    assert len(api.objects) == KEPT_RUNS


async def test_a_long_journal_is_moved_to_parts_and_read_as_one(api: KubernetesApi, journals: Journals) -> None:
    kept = await _begun(journals)
    while kept.parts < 2:
        kept = await journals.append(kept, _next(kept, why="x" * (PART_BYTES // 5)))
    kept = await journals.append(kept, _next(kept))
    assert len(json_of(api)) < PART_BYTES
    assert (await _read(journals)).entries == kept.entries
    kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    await journals.archive(kept)
    assert (await _read(journals, "r1")).entries == kept.entries


async def test_killed_between_copy_and_move_an_entry_that_is_there_twice_counts_once(
    api: KubernetesApi, journals: Journals
) -> None:
    kept = await _begun(journals)
    while kept.parts < 1:
        whole = dict(api.objects[MAP, NAME]["data"])
        kept = await journals.append(kept, _next(kept, why="x" * (PART_BYTES // 3)))
    api.edit(MAP, NAME, lambda document: document["data"].update(whole))
    assert (await _read(journals)).entries == kept.entries


async def test_forgotten_runs_take_their_parts_along(api: KubernetesApi, journals: Journals) -> None:
    kept = await _begun(journals)
    while kept.parts < 1:
        kept = await journals.append(kept, _next(kept, why="x" * (PART_BYTES // 3)))
    kept = await journals.append(kept, _next(kept, Kind.ENDED, **ENDED))
    await journals.archive(kept)
    for number in range(KEPT_RUNS):
        kept = await _begun(journals, f"s{number:02}")
        await journals.archive(await journals.append(kept, _next(kept, Kind.ENDED, **ENDED)))
    assert not [name for _, name in api.objects if "-r1" in name]


async def test_an_entry_changed_in_the_cluster_is_found(api: KubernetesApi, journals: Journals) -> None:
    await _begun(journals)

    def forge(document: dict[str, Any]) -> None:
        document["data"]["e000001"] = document["data"]["e000001"].replace("anna", "nobody")

    api.edit(MAP, NAME, forge)
    with pytest.raises(Tampered):
        await journals.read()


async def test_a_refusal_of_the_api_server_is_not_taken_for_a_conflict(api: KubernetesApi, journals: Journals) -> None:
    kept = await _begun(journals)

    def refuse(_method: str, _path: str) -> None:
        raise Refusal(HTTPStatus.FORBIDDEN, "you may not")

    api.before_write = refuse
    with pytest.raises(ApiError, match="may not"):
        await journals.append(kept, _next(kept))


async def test_a_journal_somebody_has_deleted_is_said_to_be_gone(api: KubernetesApi, journals: Journals) -> None:
    kept = await _begun(journals)
    api.objects.clear()
    with pytest.raises(NoRun, match="deleted"):
        await journals.append(kept, _next(kept))


def json_of(api: KubernetesApi) -> str:
    """What an append has to send through etcd."""
    return "".join(api.objects[MAP, NAME]["data"].values())


def test_a_request_is_read_back_as_it_was_written() -> None:
    assert Request.parse(REQUEST.line()) == REQUEST


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"what": "dance", "by": "", "reason": "", "at": 0}', "no JSON"])
def test_an_annotation_that_is_no_request_is_ignored(text: str) -> None:
    assert Request.parse(text) is None
