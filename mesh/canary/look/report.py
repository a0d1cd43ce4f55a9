"""What does somebody read who was not there? One HTML file with everything in it: plots, steps, events, the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import yaml

from mesh.canary.act.route import spelled
from mesh.canary.journal.blocks import block_of, verdict_of
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import fold
from mesh.canary.judge.verdict import Evidence
from mesh.canary.look.plots import drawn
from mesh.canary.look.telling import told
from mesh.canary.look.watched import noteworthy
from mesh.html_report import moment, pages
from mesh.plotting import NoPlots


@dataclass(frozen=True)
class StepTold:
    """One step as the report's table has it: what was last found in it."""

    number: int
    weight: int
    took: timedelta
    share: float | None
    outcome: str
    reason: str
    found: Evidence | None


def report(entries: Sequence[Entry]) -> str:
    """The report of a run whose journal was verified; without matplotlib it says so where the plots would be."""
    state, first = fold(entries), entries[0]
    page = pages("mesh.canary.look", {"spelled": spelled, "moment": moment}).get_template("report.html.j2")
    return page.render(
        state=state,
        started=first.facts,
        first=first,
        last=entries[-1],
        took=timedelta(seconds=round(entries[-1].at - first.at)),
        plan=yaml.safe_dump(first.facts["plan"], sort_keys=False),
        rules=first.facts["plan"]["rules"],
        steps=list(steps(entries)),
        statuses=statuses(entries),
        **_plots(entries),
        said=[(moment(entry.at), entry.by, told(entry)) for entry in entries if noteworthy(entry)],
        journal="\n".join(entry.line() for entry in entries),
    )


def steps(entries: Sequence[Entry]) -> Iterator[StepTold]:
    """The steps that were begun; a weight that was written again after a pause belongs to the step it had."""
    of_step: dict[int, list[Entry]] = {}
    number: int | None = None
    for entry in entries:
        if entry.kind is Kind.APPLIED and entry.facts["done"]:
            number = entry.facts["step"] if entry.facts["action"] == "shift" else None if _ends(entry) else number
        if number is not None:
            of_step.setdefault(number, []).append(entry)
    plan = entries[0].facts["plan"]["steps"]
    for which, happened in of_step.items():
        judged = next((entry.facts for entry in reversed(happened) if entry.kind is Kind.JUDGED), None)
        seen = next((entry.facts["share"] for entry in happened if entry.kind is Kind.OBSERVED), None)
        yield StepTold(
            number=which + 1,
            weight=plan[which]["weight"],
            took=timedelta(seconds=round(happened[-1].at - happened[0].at)),
            share=seen,
            outcome=judged["outcome"] if judged else "not judged",
            reason=judged["reason"] if judged else "",
            found=verdict_of(judged).evidence if judged else None,
        )


def statuses(entries: Sequence[Entry]) -> list[tuple[str, int, int]]:
    """How often each gRPC status was seen in what was judged: name, of the baseline, of the canary."""
    blocks = [block_of(entry.facts) for entry in entries if entry.kind is Kind.BLOCK]
    baseline, canary = Counter[str](), Counter[str]()
    for block in blocks:
        baseline.update(block.baseline.statuses)
        canary.update(block.canary.statuses)
    return [(name, baseline[name], canary[name]) for name in sorted({*baseline, *canary})]


def _ends(entry: Entry) -> bool:
    return entry.facts["action"] in {"promote", "rollback"}


def _plots(entries: Sequence[Entry]) -> dict[str, str]:
    try:
        return {"plots": drawn(entries), "no_plots": ""}
    except NoPlots as missing:
        return {"plots": "", "no_plots": str(missing)}
