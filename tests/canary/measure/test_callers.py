"""Whose sidecars are asked, and how their lives are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from mesh.canary.measure.callers import account, allowed, caller
from mesh.canary.measure.source import Caller
from tests.canary.measure.pods import parsed, pod, policy

BEGAN = 1767225600.0  # pods.STARTED


def test_callers_are_whom_the_services_policy_names() -> None:
    assert allowed(policy("orders", "gateway")["spec"], "shop") == frozenset({"orders", "gateway"})


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"from": [{"source": {"namespaces": ["shop"]}}]},
        {"from": [{"source": {"principals": ["*"]}}]},
        {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/*"]}}]},
        {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/orders"]}}, {"source": {"ipBlocks": ["10/8"]}}]},
    ],
    ids=["anybody", "by namespace", "everybody", "by pattern", "also by address"],
)
def test_a_policy_that_lets_others_in_means_everybody(rule: dict[str, Any]) -> None:
    assert allowed({"rules": [*policy("orders")["spec"]["rules"], rule]}, "shop") is None


def test_a_policy_that_names_nobody_of_this_namespace_means_everybody() -> None:
    assert allowed(policy("orders", namespace="elsewhere")["spec"], "shop") is None
    assert allowed({}, "shop") is None


@pytest.mark.parametrize("native", [False, True])
def test_a_sidecar_is_known_by_its_container(native: bool) -> None:
    found = parsed(pod("orders-1", container="containerd://abc", native=native))
    assert caller(found) == Caller("orders-1", "containerd://abc", BEGAN)
    assert account(found) == "orders"


def test_a_sidecar_that_was_started_again_is_another_caller() -> None:
    once, again = (caller(parsed(pod("orders-1", container=each))) for each in ("process://1-1", "process://2-2"))
    assert once != again


def test_a_pod_without_a_running_sidecar_is_no_caller() -> None:
    without = pod("orders-1")
    without["status"]["containerStatuses"][0]["name"] = "orders"
    ended = pod("orders-1")
    ended["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0}}
    assert [caller(parsed(each)) for each in (without, ended)] == [None, None]
    assert caller(parsed({"metadata": {"name": "orders-1"}})) is None
