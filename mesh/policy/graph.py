"""Who calls what, how often at most, and for how long? The call graph that the policy files describe.

The linter asks it, and everything generated is made from it: routes and permissions from its edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from mesh.policy.contracts import Contract
from mesh.policy.reading import Document
from mesh.policy.schema import GATEWAY, NOT_PROCESSED, Caller, Mesh, Method, ServiceFile
from mesh.resilience import PeerPolicy
from mesh.resilience.server_policy import ServerMethodPolicy, ServerPolicy

NATIVE_ATTEMPTS = 1
"""How often gRPC itself sends a call: no channel of ours takes a retryPolicy (mesh/resilience/peer.py). Its transparent
retries are of what no server has seen."""


@dataclass(frozen=True)
class Rpc:
    """One RPC of one service."""

    callee: str
    name: str
    method: Method
    contract: Contract
    document: Document  # where its policy stands

    @property
    def path(self) -> str:
        """Its name on the wire."""
        return self.contract.path

    def __str__(self) -> str:
        return f"{self.callee}.{self.name}"

    def line(self, key: str = "") -> str:
        """Where its policy stands: `path:line`."""
        return self.document.line("methods", self.name, *([key] if key else []))


@dataclass(frozen=True)
class Hop:
    """One edge of the graph: `caller` calls `rpc`, and how often a single call comes to reach it at most."""

    caller: str
    rpc: Rpc
    app: int
    mesh: int  # tries that may be processed
    mesh_tries: int  # tries on the wire
    native: int = NATIVE_ATTEMPTS


@dataclass(frozen=True)
class Path:
    """A call from where it begins to the RPC that it ends at."""

    hops: tuple[Hop, ...]

    @property
    def processed(self) -> int:
        """How often one call at the beginning makes the last RPC run at most."""
        return prod(hop.app * hop.mesh * hop.native for hop in self.hops)

    @property
    def sent(self) -> int:
        """How often it is sent at most. Budgets keep the usual number near 1."""
        return prod(hop.app * hop.mesh_tries * hop.native for hop in self.hops)

    def __str__(self) -> str:
        return " > ".join([self.hops[0].caller, *(str(hop.rpc) for hop in self.hops)])


@dataclass(frozen=True)
class Graph:
    """The policies of all services, by name."""

    documents: Mapping[str, Document]

    @cached_property
    def services(self) -> Mapping[str, ServiceFile]:
        """Those with pods of their own that serve something."""
        return {
            name: one.content
            for name, one in self.documents.items()
            if isinstance(one.content, ServiceFile) and not one.content.everywhere
        }

    @cached_property
    def rpcs(self) -> tuple[Rpc, ...]:
        """Every RPC of every service, in the order of the files; what is served everywhere comes last."""
        return tuple(rpc for name in self.services for rpc in self._of(name, name)) + tuple(
            rpc for shared in self._everywhere for name in self.services for rpc in self._of(name, shared)
        )

    @cached_property
    def _everywhere(self) -> list[str]:
        return [
            name
            for name, one in self.documents.items()
            if isinstance(one.content, ServiceFile) and one.content.everywhere
        ]

    def _of(self, callee: str, name: str) -> Iterator[Rpc]:
        document = self.documents[name]
        if isinstance(document.content, ServiceFile):
            for method, policy in document.content.methods.items():
                yield Rpc(callee, method, policy, document.contract[method], document)

    def own(self, service: str) -> list[Rpc]:
        """The RPCs of the service's own contract."""
        return [rpc for rpc in self.rpcs if rpc.callee == service and not self.direct(rpc)]

    def served(self, service: str) -> list[Rpc]:
        """What a pod of the service serves: its own contract, and what everybody serves."""
        return [rpc for rpc in self.rpcs if rpc.callee == service]

    def named(self, name: str) -> list[Rpc]:
        """The RPCs that "catalog.GetProduct" means: none if there is no such, several if it is served everywhere."""
        file, _, method = name.partition(".")
        return [rpc for rpc in self.rpcs if rpc.name == method and rpc.document is self.documents.get(file)]

    # --- edges -------------------------------------------------------------------

    def calls(self, caller: str) -> list[Rpc]:
        """Everything the service calls, for its callers or by itself, each RPC once."""
        content = self.documents[caller].content
        names = (
            [name for method in content.methods.values() for name in method.calls]
            if isinstance(content, ServiceFile)
            else []
        )
        found = {rpc.path + rpc.callee: rpc for name in [*names, *content.calls] for rpc in self.named(name)}
        return list(found.values())

    def callers(self, service: str) -> Mapping[str, list[Rpc]]:
        """Who may call what of the service: the gateway first, then by name."""
        rpcs = self.served(service)
        names = sorted({name for rpc in rpcs for name in rpc.method.callers}, key=lambda name: (name != GATEWAY, name))
        return {name: [rpc for rpc in rpcs if name in rpc.method.callers] for name in names}

    @cached_property
    def people(self) -> frozenset[str]:
        """Who calls for people, and so has to show their tokens: the gateway, and pages."""
        return frozenset({GATEWAY, *(name for name, service in self.services.items() if service.pages)})

    def public(self, service: str) -> list[Rpc]:
        """What can be called from outside."""
        return self.callers(service).get(GATEWAY, [])

    def may_fail(self, caller: str, service: str) -> list[str]:
        """The paths of what the caller calls of the service and experiments may make fail."""
        return [rpc.path for rpc in self.callers(service).get(caller, []) if rpc.method.fault_injection]

    def hop(self, caller: str, rpc: Rpc) -> Hop:
        """The edge from `caller` to `rpc`. People at the gateway are counted as calling once."""
        mesh = self.mesh(rpc.callee)
        tries = 1 if self.direct(rpc) else 1 + mesh.attempts
        safe = set(mesh.retry_on) <= set(NOT_PROCESSED)
        app = 1 if caller == GATEWAY else rpc.method.client().most_attempts
        return Hop(caller, rpc, app, 1 if safe else tries, tries)

    def paths(self) -> Iterator[Path]:
        """Every way a call can take, from where it begins: at the gateway, or in a service of its own accord."""
        for rpc in self.rpcs:
            if GATEWAY in rpc.method.callers:
                yield from self._onward(Path((self.hop(GATEWAY, rpc),)))
        for caller, document in self.documents.items():
            for name in document.content.calls:
                for rpc in self.named(name):
                    yield from self._onward(Path((self.hop(caller, rpc),)))

    def _onward(self, path: Path) -> Iterator[Path]:
        yield path
        last = path.hops[-1].rpc
        for name in last.method.calls:
            for rpc in self.named(name):
                if all(rpc is not hop.rpc for hop in path.hops):  # the linter refuses circles
                    yield from self._onward(Path((*path.hops, self.hop(last.callee, rpc))))

    # --- numbers -----------------------------------------------------------------

    def mesh(self, service: str) -> Mesh:
        """What the mesh does with calls of the service."""
        return self.services[service].mesh

    def mesh_per_try(self, rpc: Rpc) -> float | None:
        """The longest try of the mesh; None for a stream, which may last, and where the mesh only forwards."""
        if rpc.contract.streams or self.direct(rpc):
            return None
        return rpc.method.mesh_per_try or self.mesh(rpc.callee).per_try

    def direct(self, rpc: Rpc) -> bool:
        """Whether it is about single pods: served everywhere, sent to any pod of any version, once."""
        return rpc.document is not self.documents[rpc.callee]

    def caller(self, caller: str, rpc: Rpc) -> Caller:
        """What the callee of `rpc` lets the caller do."""
        content = rpc.document.content
        return content.callers.get(caller, Caller()) if isinstance(content, ServiceFile) else Caller()

    def peers(self, caller: str) -> Mapping[str, PeerPolicy]:
        """How the service calls each of the services it calls. Raises PolicyInvalid."""
        calls = self.calls(caller)
        return {
            callee: self._peer(caller, [rpc for rpc in calls if rpc.callee == callee])
            for callee in sorted({rpc.callee for rpc in calls})
        }

    def _peer(self, caller: str, rpcs: list[Rpc]) -> PeerPolicy:
        groups = {rpc.method.breaker for rpc in rpcs}
        content = rpcs[0].document.content
        written = content.breakers if isinstance(content, ServiceFile) else {}
        allowed = self.caller(caller, rpcs[0])
        return PeerPolicy(
            methods={rpc.path: rpc.method.client() for rpc in rpcs},
            breakers={group: breaker for group, breaker in written.items() if group in groups},
            budget=allowed.retry_budget,
            bulkhead=allowed.bulkhead,
        )

    def server(self, service: str) -> ServerPolicy:
        """How the service serves. Raises PolicyInvalid."""
        methods = {
            rpc.path: ServerMethodPolicy(deadline=rpc.method.deadline, priority=rpc.method.priority)
            for rpc in self.own(service)
        }
        return ServerPolicy(methods=methods, limit=self.services[service].limit)
