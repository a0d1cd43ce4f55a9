"""What does the cluster remember? Every run whose journal it keeps, as a table, as lines, or entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lightkube import AsyncClient
from lightkube import operators as having
from lightkube.resources.core_v1 import ConfigMap
from rich.table import Table
from rich.text import Text

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import LABEL, Journals
from mesh.canary.journal.state import fold
from mesh.canary.look.telling import told
from mesh.chosen_cluster import NAMESPACE

_STYLES = {"promoted": "green", "rolled-back": "red"}


@dataclass(frozen=True)
class Summary:
    """One run in a line."""

    service: str
    run: str
    began: float
    took: float
    by: str
    baseline: str
    canary: str
    ended: bool
    outcome: str
    """How it ended; while it has not, its phase."""
    reason: str
    highest: int
    """The most weight the canary has had."""

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Summary:
        """What a whole journal comes to."""
        state, first = fold(entries), entries[0]
        written = [entry.facts["weights"] for entry in entries if entry.kind is Kind.APPLIED and entry.facts["done"]]
        return cls(
            service=state.service,
            run=state.run,
            began=first.at,
            took=state.at - first.at,
            by=first.by,
            baseline=state.baseline,
            canary=state.canary,
            ended=bool(state.outcome),
            outcome=state.outcome or state.phase.value,
            reason=state.reason,
            highest=max(weights.get(state.canary, 0) for weights in (first.facts["weights"], *written)),
        )

    def facts(self) -> dict[str, Any]:
        """It as a JSON object."""
        return {**vars(self)}


async def services(client: AsyncClient, *, namespace: str = NAMESPACE) -> list[str]:
    """The services whose runs the cluster remembers."""
    listed = client.list(ConfigMap, namespace=namespace, labels={LABEL: having.exists()})
    return sorted({one.metadata.labels[LABEL] async for one in listed if one.metadata and one.metadata.labels})


async def remembered(client: AsyncClient, service: str) -> list[tuple[Entry, ...]]:
    """The journals of a service's runs, the latest first. Raises Tampered."""
    journals = Journals(client, service)
    present = await journals.read()
    runs = {present.entries[0].run: present.entries} if present else {}
    for run in await journals.runs():
        if run not in runs and (ended := await journals.read(run)):
            runs[run] = ended.entries
    return sorted(runs.values(), key=lambda entries: entries[0].at, reverse=True)


def table(runs: Iterable[Summary]) -> Table:
    """The runs, one a row."""
    shown = Table(
        "service", "run", "began", "took", "from", "to", "highest", "outcome", "why", box=None, pad_edge=False
    )
    for run in runs:
        shown.add_row(
            *(run.service, run.run, _clock(run.began), str(timedelta(seconds=round(run.took)))),
            *(run.baseline, run.canary, f"{run.highest} %"),
            *(Text(run.outcome, style=_STYLES.get(run.outcome, "yellow")), run.reason),
        )
    return shown


def narrated(entries: Iterable[Entry]) -> Table:
    """One run, a row for every entry but those that only announce or measure."""
    shown = Table("when", "who", "what", box=None, pad_edge=False)
    for entry in entries:
        if entry.kind not in {Kind.BLOCK, Kind.INTENT}:
            shown.add_row(_clock(entry.at), entry.by, told(entry))
    return shown


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"
