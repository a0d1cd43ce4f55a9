"""Which promises cannot be kept, or are missing, although each of them is valid? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mesh.objectives.reading import Objective
from mesh.policy.graph import Graph, Rpc
from mesh.policy.lint import Finding

Objectives = Mapping[str, Objective]


def lint(objectives: Objectives, graph: Graph) -> list[Finding]:
    """What is refused."""
    own = [rpc for service in graph.services for rpc in graph.own(service)]
    return [*_missing(objectives, own), *_too_late(objectives, own), *_confusable(objectives)]


def _missing(objectives: Objectives, rpcs: Iterable[Rpc]) -> Iterator[Finding]:
    """An RPC nobody promises anything of could be down for a week, and every gate would pass."""
    for rpc in rpcs:
        if rpc.path not in objectives:
            yield Finding("promised", rpc.line(), f"{rpc} promises nothing: write it into objectives.yaml")


def _too_late(objectives: Objectives, rpcs: Iterable[Rpc]) -> Iterator[Finding]:
    """Nobody waits longer than the deadline: a call that takes as long has failed, and is no slow answer."""
    for rpc in rpcs:
        promised, deadline = objectives.get(rpc.path), rpc.method.deadline
        if promised and promised.p99 is not None and deadline is not None and promised.p99 >= deadline:
            why = f"{rpc} promises p99 {promised.p99:g} s, and its deadline is {deadline:g} s"
            yield Finding("in-time", promised.where, why)


def _confusable(objectives: Objectives) -> Iterator[Finding]:
    """Load is counted by the RPC's name alone, as people call it."""
    names = Counter(objective.rpc for objective in objectives.values())
    for objective in objectives.values():
        if names[objective.rpc] > 1:
            yield Finding("one-name", objective.where, f"{objective.rpc} is the name of an RPC elsewhere, too")
