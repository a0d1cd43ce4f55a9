"""What does the cluster remember of a service's runs? As `argosy canary history` tells it."""

from __future__ import annotations

from mesh.canary.journal.entry import Entry
from tests.end_to_end.canary.terminal import argosy


async def runs(service: str) -> list[str]:
    """Those that are kept, the latest first."""
    return [summary["run"] for summary in (await argosy("canary", "history", service, "--json")).lines]


async def journal(service: str) -> list[Entry]:
    """The entries of the last run."""
    latest, *_ = await runs(service)
    told = await argosy("canary", "history", service, latest, "--json")
    assert told.code == 0, told.err
    return [Entry.parse(line) for line in told.out.splitlines()]
