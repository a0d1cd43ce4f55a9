"""What does a reader want to see at a glance? docs/resilience-table.md: every RPC, and every path a call can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mesh.policy.graph import Graph, Path, Rpc
from mesh.policy.schema import GATEWAY
from mesh.resilience.verdicts import RETRIED_BY_DEFAULT

PATH = "docs/resilience-table.md"

RPC_COLUMNS = (
    *("RPC", "deadline", "a try: app / mesh", "tries", "idempotent", "retried"),
    *("breaker", "fallback", "priority", "callers", "people need", "faults"),
)
PAGE_COLUMNS = ("pages", "HTTP port", "a try by the gateway", "call")
SHARED_COLUMNS = ("RPC", "deadline", "tries", "breaker", "callers")
TERMS_COLUMNS = ("caller", "callee", "retry budget", "bulkhead")
PATH_COLUMNS = ("path", "processed at most", "on the wire at most")

NOTHING = "-"

_PAGE = """\
<!-- {header} -->
# What happens to every RPC

A **try** is one attempt of a calling service; the mesh gives up first, so that a hung pod is ejected. **Tries** are
counted with the first; people at the gateway decide for themselves. **Retried** by default are
{codes} (DEADLINE_EXCEEDED only of a try cut short,
RESOURCE_EXHAUSTED only when the server says when). **People need** a token, or one with that role, when they call
through the gateway or a page; what programs may do, their certificate says.

{rpcs}

{pages}

Besides, every service serves these, to its operator alone: sent once by the mesh, to any pod of any version.

{shared}

## Who may send how much

A **budget** is the share of calls that may be retries, and so many a second besides; a **bulkhead** is the most
attempts that one process may have on the wire.

{terms}

## How attempts multiply

At every hop: application x mesh x gRPC itself. **Processed** is how often a handler may run. The mesh repeats only
what none has seen, so its factor there is 1 ([why](decisions/0009-counting-attempts.md)); `python -m mesh.policy lint`
refuses more than 3. On the wire it counts fully; there the budgets keep the usual number near 1.

{paths}
"""


def page(graph: Graph, header: str) -> str:
    """The page in Markdown."""
    shared = {rpc.path: rpc for rpc in graph.rpcs if graph.direct(rpc)}
    return _PAGE.format(
        header=header,
        codes=_codes(RETRIED_BY_DEFAULT),
        pages=_table(PAGE_COLUMNS, [_page(graph, name) for name, one in graph.services.items() if one.pages]),
        rpcs=_table(RPC_COLUMNS, [_rpc(graph, rpc) for rpc in graph.rpcs if not graph.direct(rpc)]),
        shared=_table(SHARED_COLUMNS, [_shared(rpc) for rpc in shared.values()]),
        terms=_table(TERMS_COLUMNS, list(_terms(graph))),
        paths=_table(PATH_COLUMNS, [_path(path) for path in graph.paths() if not graph.direct(path.hops[-1].rpc)]),
    )


def _rpc(graph: Graph, rpc: Rpc) -> Sequence[str]:
    method, inside = rpc.method, set(rpc.method.callers) - {GATEWAY}
    policy = rpc.method.client() if inside else None
    return (
        f"`{rpc}`",
        _seconds(method.deadline),
        f"{_seconds(method.per_try if inside else None)} / {_seconds(graph.mesh_per_try(rpc))}",
        str(policy.most_attempts) if policy else NOTHING,
        {True: "by nature", None: "no"}.get(method.idempotent, str(method.idempotent)),  # type: ignore[arg-type]
        _retried(rpc) if policy and policy.most_attempts > 1 else NOTHING,
        method.breaker if inside else NOTHING,
        f"{method.fallback.kind} of {_seconds(method.fallback.max_age)}" if method.fallback else NOTHING,
        method.priority.name.lower(),
        ", ".join(method.callers) or "nobody",
        _needed(graph, rpc),
        "allowed" if method.fault_injection else "no",
    )


def _needed(graph: Graph, rpc: Rpc) -> str:
    """What people have to show; nothing is asked of programs."""
    if not graph.people & set(rpc.method.callers):
        return NOTHING
    return rpc.method.role or ("a token" if rpc.method.signed_in else "nothing")


def _page(graph: Graph, service: str) -> Sequence[str]:
    content = graph.services[service]
    port = content.pages.port if content.pages else 0
    called = sorted({rpc.callee for rpc in graph.calls(service) if not graph.direct(rpc)})
    return f"`{service}`", str(port), _seconds(content.gateway.per_try if content.gateway else None), ", ".join(called)


def _shared(rpc: Rpc) -> Sequence[str]:
    method = rpc.method
    tries = str(method.client().most_attempts)
    return f"`{rpc.name}`", _seconds(method.deadline), tries, method.breaker, ", ".join(method.callers)


def _terms(graph: Graph) -> Iterator[Sequence[str]]:
    for service in graph.services:
        for caller, rpcs in graph.callers(service).items():
            if caller != GATEWAY:
                terms = graph.caller(caller, rpcs[0])
                budget = terms.retry_budget
                yield caller, service, f"{budget.ratio:.0%} + {budget.floor:g}/s", str(terms.bulkhead or NOTHING)


def _path(path: Path) -> Sequence[str]:
    factors = " x ".join(_factors(hop.app, hop.mesh, hop.native) for hop in path.hops)
    sent = " x ".join(_factors(hop.app, hop.mesh_tries, hop.native) for hop in path.hops)
    return f"`{path}`", f"{factors} = **{path.processed}**", f"{sent} = {path.sent}"


def _factors(*factors: int) -> str:
    return f"({'·'.join(str(factor) for factor in factors)})"


def _retried(rpc: Rpc) -> str:
    return "default" if rpc.method.retry_on is None else _codes(rpc.method.retry_on)


def _codes(codes: frozenset[object]) -> str:
    return ", ".join(sorted(str(getattr(code, "name", code)) for code in codes))


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:g} s"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)
