"""How are breakers, budgets, bulkheads and limits shown to people?"""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesh.breakers.sight import Sight

_STYLES = {"closed": "green", "half-open": "yellow", "open": "red"}


def page(sight: Sight, *, everything: bool = False) -> RenderableType:
    """A row for every breaker; with `everything` budgets, bulkheads and limits as well; then who is missing."""
    parts: list[RenderableType] = [_breakers(sight)]
    if everything:
        parts += [_callees(sight), _limits(sight)]
    parts += [_missing(service, pods, sight.problems.get(service)) for service, pods in sight.missing.items()]
    return Group(*parts)


def _missing(service: str, pods: list[str], problem: str | None) -> Text:
    if problem is None:
        return Text(f"{service}: waiting for {', '.join(pods)}", style="yellow")
    return Text(f"{service}: no answer from {', '.join(pods)}. {problem}", style="red")


def _breakers(sight: Sight) -> Table:
    table = Table("service", "pod", "callee", "group", "state", "forced", "failures/calls", "reopens in", box=None)
    for state in sight.in_order():
        for callee in state["callees"]:
            for breaker in callee["breakers"]:
                table.add_row(state["service"], state["pod"], callee["name"], breaker["group"], *_breaker(breaker))
    return table


def _breaker(breaker: dict[str, Any]) -> tuple[Text, str, str, str]:
    state, slow, reopens_in = breaker["state"], breaker["slow"], breaker["reopens_in"]
    failures = f"{breaker['failures']}/{breaker['calls']}" + (f", {slow} slow" if slow else "")
    when = "" if reopens_in is None else f"{reopens_in:.0f} s" if reopens_in else "the next call tries"
    return Text(state, style=_STYLES[state]), "forced" if breaker["forced"] else "", failures, when


def _callees(sight: Sight) -> Table:
    table = Table("service", "pod", "callee", "retries left", "of its calls", "on their way", "at most", box=None)
    for state in sight.in_order():
        for callee in state["callees"]:
            budget, bulkhead = callee["retry_budget"], callee["bulkhead"]
            table.add_row(
                *(state["service"], state["pod"], callee["name"], str(budget["left"]), f"{budget['ratio']:.0%}"),
                *(str(bulkhead["in_flight"]), _bound(bulkhead["limit"])),
            )
    return table


def _limits(sight: Sight) -> Table:
    table = Table("service", "pod", "answering", "at most", box=None)
    for state in sight.in_order():
        limit = state["limit"]
        table.add_row(state["service"], state["pod"], str(limit["in_flight"]), str(limit["limit"]))
    return table


def _bound(limit: int | None) -> str:
    return "no bound" if limit is None else str(limit)
