"""Which faults may be injected, and how? Rules for RPCs whose policy allows it: for the tour, or as patches by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.policy.graph import Graph
from mesh.policy.yaml_text import text

FOLDER = "k8s/components/faults"
CALLER = "orders"
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "catalog": {"abort": {"percentage": {"value": 30}, "grpcStatus": "UNAVAILABLE"}},
    # A budget of a tenth makes up for about a tenth of the calls: twice as many would test the budget, not the retries.
    "inventory": {"delay": {"percentage": {"value": 10}, "fixedDelay": "3s"}},
}
"""What the tour does to what orders calls, by callee."""


def patches(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of the JSON patch of each VirtualService that has faults."""
    made = {}
    for service, fault in FAULTS.items():
        primary = [{"destination": {"host": service, "subset": "v1"}, "weight": 100}]
        rules = rules_of(graph.may_fail(CALLER, service), fault, primary, "fault")
        unchanged = {"op": "test", "path": "/spec/http/0/name", "value": "primary"}
        added = [{"op": "add", "path": "/spec/http/0", "value": rule} for rule in rules]
        made[f"{FOLDER}/{service}.yaml"] = text(header, [unchanged, *added])
    return made


def rules_of(paths: Sequence[str], fault: Mapping[str, Any], route: object, name: str) -> list[dict[str, Any]]:
    """A rule for each RPC: Istio drops a rule as a whole when one of its matches is not the delegating route's.

    The mesh's retries would never see the fault (rule 29), so these rules have none.
    """
    return [
        {
            "name": f"{name}-{path.rpartition('/')[2].lower()}",
            "match": [{"uri": {"exact": path}, "sourceLabels": {"app": CALLER}}],
            "fault": dict(fault),
            "retries": {"attempts": 0},
            "route": route,
        }
        for path in paths
    ]
