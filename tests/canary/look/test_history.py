from __future__ import annotations

import io

from lightkube import AsyncClient
from rich.console import Console

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import Journals
from mesh.canary.look.history import Summary, narrated, remembered, services, table
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.look.story import ANNA, BEGAN, Story, promoted, rolled_back


async def kept(client: AsyncClient, service: str, entries: list[Entry]) -> None:
    journals = Journals(client, service)
    journal = await journals.begin(entries[0])
    for entry in entries[1:]:
        journal = await journals.append(journal, entry)


async def test_every_run_of_every_service_is_remembered_the_latest_first() -> None:
    async with KubernetesApi().client() as client:
        await kept(client, "catalog", rolled_back(run="one").entries)
        await kept(client, "catalog", promoted(run="two", began=BEGAN + 1000).entries)
        await kept(client, "payments", Story("payments", "three").started().entries)
        assert await services(client) == ["catalog", "payments"]
        runs = [Summary.of(entries) for entries in await remembered(client, "catalog")]
    assert [(run.run, run.outcome, run.highest) for run in runs] == [
        ("two", "promoted", 100),
        ("one", "rolled-back", 5),
    ]


def test_a_run_that_has_not_ended_tells_its_phase() -> None:
    story = Story().started().shifted(0, 5)
    assert (Summary.of(story.entries).outcome, Summary.of(story.entries).ended) == ("running", False)
    paused = Summary.of(story.add(Kind.PAUSED, reason="lunch").entries)
    assert (paused.outcome, paused.reason, paused.highest) == ("paused", "lunch", 5)


def test_tables_say_what_happened_by_whom_and_when() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(table([Summary.of(rolled_back().entries)]), narrated(rolled_back().entries))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for said in ("catalog", "5 %", "rolled-back", "20 errors of 50", ANNA, "worse: 20 errors of 50"):
        assert said in text
    assert "about to write" not in text
