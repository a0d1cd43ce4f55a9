"""The tour's faults touch what a policy lets them touch, and are not retried by the mesh, which would not see them."""

from __future__ import annotations

from mesh.policy.built import lint_objects
from mesh.policy.faults import rules_of
from tests.policy.policies import committed

ABORT = {"abort": {"percentage": {"value": 30}, "grpcStatus": "UNAVAILABLE"}}
ROUTE = [{"destination": {"host": "inventory", "subset": "v1"}, "weight": 100}]


def test_each_rpc_has_a_rule_with_one_match_so_that_istio_drops_none() -> None:
    paths = committed().may_fail("orders", "inventory")
    rules = rules_of(paths, ABORT, ROUTE, "fault")
    assert [rule["match"] for rule in rules] == [
        [{"uri": {"exact": path}, "sourceLabels": {"app": "orders"}}] for path in paths
    ]
    assert len({rule["name"] for rule in rules}) == len(paths) == 3


def test_rule_29_the_tours_faults_pass_the_linter() -> None:
    entrance = {"retries": {"attempts": 1}, "delegate": {"name": "inventory"}}
    rules = rules_of(committed().may_fail("orders", "inventory"), ABORT, ROUTE, "fault")
    objects = [
        {
            "kind": "VirtualService",
            "metadata": {"name": "inventory-mesh"},
            "spec": {"hosts": ["i"], "http": [entrance]},
        },
        {"kind": "VirtualService", "metadata": {"name": "inventory"}, "spec": {"http": rules}},
    ]
    assert lint_objects("the tour", objects) == []
    for rule in rules:
        del rule["retries"]
    assert {finding.rule for finding in lint_objects("the tour", objects)} >= {"fault-and-retry"}
