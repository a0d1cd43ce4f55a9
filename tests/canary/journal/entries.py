"""Journals as a test writes them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.plan import Plan

STARTED: dict[str, Any] = {
    "service": "catalog",
    "baseline": "v1",
    "canary": "v2",
    "weights": {"v1": 100, "v2": 0},
    "plan": Plan().model_dump(mode="json"),
    "command": "argosy canary start catalog",
    "revision": "f32f4a0",
    "images": {},
    "watchdog": "watchdog@host pid 2",
    "unattended": False,
    "sticky": "",
}
COUNTS = {"requests": 100, "errors": 0, "statuses": {"OK": 100}, "latency": {"3": 100}}
BLOCK = {"at": 10.0, "seconds": 5.0, "step": 0, "weight": 5, "baseline": COUNTS, "canary": COUNTS, "raw": ""}

Written = tuple[Kind, Mapping[str, Any]]


def journal(*written: Written, by: str = "anna@laptop pid 1") -> list[Entry]:
    """The chain of these entries, after `started`, one second apart."""
    entries: list[Entry] = []
    for kind, facts in ((Kind.STARTED, STARTED), *written):
        last = entries[-1] if entries else None
        entries.append(Entry.after(last, at=100.0 + len(entries), run="r1", kind=kind, by=by, facts=facts))
    return entries


def write(action: str, step: int, **weights: int) -> Written:
    """An intent to leave the route with these weights."""
    old = {"v1": 100, "v2": 0}
    facts = {"action": action, "step": step, "from": old, "to": weights, "reason": "because", "resource_version": "7"}
    return Kind.INTENT, facts


def applied(action: str, step: int, *, done: bool = True, **weights: int) -> Written:
    """That a write happened, or did not."""
    return Kind.APPLIED, {"action": action, "step": step, "weights": weights, "done": done, "resource_version": "8"}


def ruled(outcome: str, *, kill: bool = False) -> Written:
    """What the judge said."""
    return Kind.JUDGED, {"step": 0, "outcome": outcome, "reason": f"it is {outcome}", "kill": kill, "evidence": {}}
