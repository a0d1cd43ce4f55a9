"""How does a person say what an entry of the journal says? In one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mesh.canary.act.route import spelled
from mesh.canary.journal.entry import Entry, Kind

Facts = Mapping[str, Any]


def told(entry: Entry) -> str:
    """The entry in one sentence, without its time."""
    return _SENTENCES[entry.kind](entry.facts, entry.by)


def _started(facts: Facts, by: str) -> str:
    if facts["weights"].get(facts["canary"]):  # a run that only goes back
        return f"{by} goes back on the promotion of {facts['service']} {facts['canary']}"
    return f"{by} starts a canary of {facts['service']}: {facts['canary']} against {facts['baseline']}"


def _intent(facts: Facts, _by: str) -> str:
    return f"about to write: {spelled(facts['from'])} becomes {spelled(facts['to'])}"


def _applied(facts: Facts, _by: str) -> str:
    if not facts["done"]:
        return f"{facts['action']} was not written: {spelled(facts['weights'])}"
    done = _DONE[facts["action"]]
    return done if facts["action"] in {"header", "no-header"} else f"{done}: {spelled(facts['weights'])}"


def _observed(facts: Facts, _by: str) -> str:
    return f"step {facts['step'] + 1} is seen: {facts['share']:.1f} % of {facts['requests']} requests"


def _gate(facts: Facts, by: str) -> str:
    output = str(facts["output"]).strip().splitlines()
    said = f": {output[-1]}" if output else ""
    return f"gate {facts['gate']} {facts['outcome']}{'' if facts['outcome'] == 'waiting' else f', by {by}'}{said}"


_DONE = {
    "shift": "shifted",
    "rollback": "all traffic back",
    "promote": "all traffic over",
    "header": "x-canary: always leads to the canary",
    "no-header": "x-canary: always leads where everything goes again",
}

_WISHES = {"rollback": "roll back"}

_SENTENCES: Mapping[Kind, Callable[[Facts, str], str]] = {
    Kind.STARTED: _started,
    Kind.INTENT: _intent,
    Kind.APPLIED: _applied,
    Kind.OBSERVED: _observed,
    Kind.BLOCK: lambda facts, _: f"{facts['canary']['requests']} requests of the canary measured",
    Kind.NODATA: lambda facts, _: f"nothing measured: {facts['why']}",
    Kind.JUDGED: lambda facts, _: f"{facts['outcome']}: {facts['reason']}",
    Kind.GATE: _gate,
    Kind.REQUESTED: lambda facts, by: f"{by} asks to {_WISHES.get(facts['what'], facts['what'])}{_because(facts)}",
    Kind.PAUSED: lambda facts, _: f"paused{_because(facts)}",
    Kind.RESUMED: lambda facts, by: f"{by} resumes{_because(facts)}",
    Kind.STOLEN: lambda facts, by: f"{by} takes the lock from {facts['from'] or 'nobody'}{_because(facts)}",
    Kind.ENDED: lambda facts, _: f"{facts['outcome']}{_because(facts)}",
}


def _because(facts: Facts) -> str:
    return f": {facts['reason']}" if facts.get("reason") else ""
