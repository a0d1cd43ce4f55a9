"""Which policies are dangerous, although every number in them is valid? Refusals, each with its reason; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import floor

from mesh.policy.graph import NATIVE_ATTEMPTS, Graph, Rpc
from mesh.policy.schema import GATEWAY, ServiceFile

MOST_PROCESSED = 3
"""How often one call may make anything run at most, on any path (rule 27)."""

LARGEST_BUDGET = 0.1
"""Of the calls may be retries: above it 30 % of failures at every hop become more than 1.2 attempts per request."""


@dataclass(frozen=True)
class Finding:
    """One refusal."""

    rule: str
    where: str  # file:line, or an overlay
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem} [{self.rule}]"


Rule = Callable[[Graph], Iterator[tuple[str, str]]]
"""(where, problem) for each breach."""


def lint(graph: Graph) -> list[Finding]:
    """What is refused. Without an edge that does not exist, or a circle, the rest cannot be computed."""
    found = [finding for name, rule in EDGES.items() for finding in _findings(name, rule, graph)]
    return found or [finding for name, rule in NUMBERS.items() for finding in _findings(name, rule, graph)]


def _findings(name: str, rule: Rule, graph: Graph) -> Iterator[Finding]:
    yield from (Finding(name, where, problem) for where, problem in rule(graph))


# --- edges -----------------------------------------------------------------------


def calls_that_nobody_serves(graph: Graph) -> Iterator[tuple[str, str]]:
    """A misspelling."""
    for caller, name, where in _written_calls(graph):
        if not graph.named(name):
            yield where, f"{caller} calls {name}, which no policy describes"


def calls_that_nobody_allows(graph: Graph) -> Iterator[tuple[str, str]]:
    """The mesh would answer PERMISSION_DENIED."""
    for caller, name, where in _written_calls(graph):
        for rpc in graph.named(name)[:1]:
            if caller not in rpc.method.callers:
                yield where, f"{caller} calls {name}, whose callers do not include it"


def callers_that_do_not_call(graph: Graph) -> Iterator[tuple[str, str]]:
    """A permission nobody needs is one for whoever steals the identity."""
    for rpc in graph.rpcs:
        for caller in rpc.method.callers:
            if caller != GATEWAY and (caller not in graph.documents or rpc not in graph.calls(caller)):
                yield rpc.line("callers"), f"{caller} may call {rpc}, and nothing says that it does"


def callers_without_terms(graph: Graph) -> Iterator[tuple[str, str]]:
    """Every caller's budget and bulkhead are written down, and nobody else's."""
    for document in graph.documents.values():
        if isinstance(content := document.content, ServiceFile):
            used = {caller for method in content.methods.values() for caller in method.callers} - {GATEWAY}
            for caller in sorted(used ^ content.callers.keys()):
                said = "has no entry in" if caller in used else "calls nothing and has an entry in"
                yield document.line("callers", caller), f"{caller} {said} callers"
            public = bool(content.pages) or any(GATEWAY in method.callers for method in content.methods.values())
            if public != (content.gateway is not None):
                yield document.line("gateway"), "a gateway section goes with methods that the gateway calls"


def tokens_that_nobody_shows(graph: Graph) -> Iterator[tuple[str, str]]:
    """Programs have none: the method would look guarded, and be as open as before."""
    for rpc in graph.rpcs:
        if rpc.method.signed_in and not graph.people & set(rpc.method.callers):
            key = "role" if rpc.method.role else "token"
            yield rpc.line(key), f"{rpc} asks people for a {key}, and is called by programs only"


def circles(graph: Graph) -> Iterator[tuple[str, str]]:
    """A call that comes back to where it began may never end."""
    for rpc in graph.rpcs:
        if rpc in _behind(graph, rpc, set()):
            yield rpc.line("calls"), f"{rpc} comes back to itself"


def _behind(graph: Graph, rpc: Rpc, seen: set[str]) -> list[Rpc]:
    found = []
    for name in rpc.method.calls:
        if name not in seen:
            seen.add(name)
            for inner in graph.named(name):
                found += [inner, *_behind(graph, inner, seen)]
    return found


def _written_calls(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """(caller, what it calls, where that is written)."""
    for caller, document in graph.documents.items():
        content = document.content
        yield from ((caller, name, document.line("calls", index)) for index, name in enumerate(content.calls))
        if isinstance(content, ServiceFile):
            for method, policy in content.methods.items():
                for index, name in enumerate(policy.calls):
                    yield caller, name, document.line("methods", method, "calls", index)


# --- numbers ---------------------------------------------------------------------


def amplification(graph: Graph, native: int = NATIVE_ATTEMPTS) -> Iterator[tuple[str, str]]:
    """Attempts multiply along a path: app x mesh x native at every hop (rule 27)."""
    for path in graph.paths():
        processed = path.processed * native ** len(path.hops)
        if processed > MOST_PROCESSED:
            factors = " x ".join(f"{hop.app} x {hop.mesh} x {hop.native * native}" for hop in path.hops)
            yield path.hops[-1].rpc.line(), f"{path} is processed up to {factors} = {processed} times"


def deadline_below_its_calls(graph: Graph) -> Iterator[tuple[str, str]]:
    """Who calls A and B one after the other needs the time of a slow try of each."""
    for rpc in graph.rpcs:
        called = [graph.named(name)[0].method.client() for name in rpc.method.calls]
        needed = round(sum(method.try_timeout for method in called), 3)
        if called and rpc.method.deadline is not None and rpc.method.deadline < needed:
            tries = zip(rpc.method.calls, called, strict=True)
            sums = " + ".join(f"{name} {method.try_timeout:g}" for name, method in tries)
            yield rpc.line("deadline"), f"{rpc} has {rpc.method.deadline:g} s and calls {sums} = {needed:g} s"


def deadline_without_a_second_try(graph: Graph) -> Iterator[tuple[str, str]]:
    """Retries that can never be begun protect nobody."""
    for rpc in _called_inside(graph):
        policy = rpc.method.client()
        needed = round(2 * policy.try_timeout + policy.backoff, 3)
        if policy.most_attempts > 1 and policy.timeout < needed:
            said = f"{rpc} has {policy.timeout:g} s; two tries and the wait between take {needed:g} s"
            yield rpc.line("deadline"), said


def mesh_outlasts_its_caller(graph: Graph) -> Iterator[tuple[str, str]]:
    """Only tries that the mesh itself gives up count towards ejecting a hung pod (rule 28, decision 0004)."""
    for rpc in _called_inside(graph):
        mesh, app = graph.mesh_per_try(rpc), rpc.method.client().try_timeout
        if mesh is not None and mesh >= app:
            yield rpc.line("mesh_per_try"), f"{rpc}: the mesh gives up after {mesh:g} s, its callers after {app:g} s"


def gateway_cuts_writes_short(graph: Graph) -> Iterator[tuple[str, str]]:
    """A write that is given up while it goes on leaves its caller not knowing what became of it."""
    for rpc in graph.rpcs:
        gateway, deadline = graph.services[rpc.callee].gateway, rpc.method.deadline
        writes = GATEWAY in rpc.method.callers and not rpc.contract.reads
        if writes and gateway and deadline and gateway.per_try <= deadline:
            said = f"{rpc} takes up to {deadline:g} s, the gateway gives it {gateway.per_try:g} s"
            yield rpc.line("deadline"), said
    for name, service in graph.services.items():
        for rpc in graph.calls(name) if service.pages and service.gateway else []:
            if service.gateway and not rpc.contract.reads and service.gateway.per_try <= rpc.method.client().timeout:
                said = f"pages of {name} wait {rpc.method.client().timeout:g} s for {rpc}"
                yield graph.documents[name].line("gateway", "per_try"), f"{said}, the gateway no longer"


def ejections(graph: Graph) -> Iterator[tuple[str, str]]:
    """One sick pod of several can go, and never all of them (rule 28). Envoy rounds down."""
    for name, service in graph.services.items():
        percent, (least, most) = service.outlier.max_ejection_percent, service.replicas
        where = graph.documents[name].line("outlier", "max_ejection_percent")
        for pods in range(least, most + 1):
            out = ejectable(percent, pods)
            if out == pods or (pods > 1 and out == 0):
                yield where, f"{percent} % ejects {'everything' if out else 'nothing'} when {name} has {pods} pods"


def ejectable(percent: int, pods: int) -> int:
    """How many of `pods` Envoy takes out at most."""
    return floor(percent * pods / 100)


def blames_others(graph: Graph) -> Iterator[tuple[str, str]]:
    """A service that answers UNAVAILABLE because a service behind it does is not the sick one."""
    for name, service in graph.services.items():
        behind = service.pages or any(method.calls for method in service.methods.values())
        if service.outlier.judged_by == "answers" and behind:
            yield graph.documents[name].line("outlier"), f"{name} would be ejected for the failures of those it calls"


def budgets(graph: Graph) -> Iterator[tuple[str, str]]:
    """Retries that are not bound multiply an overload."""
    for name, document in graph.documents.items():
        if isinstance(document.content, ServiceFile):
            for caller, terms in document.content.callers.items():
                if (ratio := terms.retry_budget.ratio) > LARGEST_BUDGET:
                    where = document.line("callers", caller, "retry_budget", "ratio")
                    yield where, f"{caller} may send {name} {ratio:.0%} again; {LARGEST_BUDGET:.0%} at most"


def groups_apart(graph: Graph) -> Iterator[tuple[str, str]]:
    """Methods with a mesh_per_try of their own get a route that is named after their breaker."""
    for name in graph.services:
        tries: dict[str, float | None] = {}
        for rpc in graph.own(name):
            per_try = graph.mesh_per_try(rpc)
            if per_try != graph.mesh(name).per_try and tries.setdefault(rpc.method.breaker, per_try) != per_try:
                said = f"{rpc}: others of breaker {rpc.method.breaker} have another mesh_per_try"
                yield rpc.line("mesh_per_try"), said


def breakers_without_methods(graph: Graph) -> Iterator[tuple[str, str]]:
    """Numbers that nothing uses look as if they protected something."""
    for document in graph.documents.values():
        if isinstance(content := document.content, ServiceFile):
            used = {method.breaker for method in content.methods.values()}
            for group in sorted(content.breakers.keys() - used):
                yield document.line("breakers", group), f"no method belongs to breaker {group}"


def _called_inside(graph: Graph) -> Iterator[Rpc]:
    yield from (rpc for rpc in graph.rpcs if set(rpc.method.callers) - {GATEWAY})


EDGES: dict[str, Rule] = {
    "unknown-callee": calls_that_nobody_serves,
    "call-not-allowed": calls_that_nobody_allows,
    "edge-without-caller": callers_that_do_not_call,
    "caller-without-terms": callers_without_terms,
    "token-of-nobody": tokens_that_nobody_shows,
    "circle": circles,
}
NUMBERS: dict[str, Rule] = {
    "amplification": amplification,
    "deadline-below-its-calls": deadline_below_its_calls,
    "no-second-try": deadline_without_a_second_try,
    "mesh-outlasts-caller": mesh_outlasts_its_caller,
    "gateway-cuts-writes": gateway_cuts_writes_short,
    "ejection": ejections,
    "blames-others": blames_others,
    "budget": budgets,
    "groups-apart": groups_apart,
    "breaker-without-methods": breakers_without_methods,
}
