"""Whatever is injected can be taken back by somebody who only read about it, at any time and any number of times."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from mesh.chaos.experiment import Change
from mesh.chaos.faults.known import made
from mesh.chaos.faults.mesh import KINDS
from mesh.chaos.problems import BadExperiment
from mesh.chaos.undo import LABEL
from tests.chaos.faults.mesh.scripted_cluster import RUN, ScriptedCluster

CHANGES = [
    Change(fault="unprotected", arguments={"app": True, "mesh": True}),
    Change(fault="unprotected", arguments={"app": True, "services": ["orders"]}),
    Change(fault="variables", arguments={"deployment": "payments-v1", "values": {"FAILURE_RATE": "1"}}),
    Change(fault="server-errors", arguments={"service": "payments", "methods": ["Charge"]}),
    Change(fault="server-slow", arguments={"service": "payments", "seconds": 3}),
    Change(fault="network", arguments={"caller": "orders", "callee": "catalog", "how": "refused"}),
    Change(fault="network", arguments={"caller": "orders", "callee": "catalog", "how": "refused", "percent": 10}),
    Change(fault="authorization-revoked", arguments={"policy": "payments"}),
    Change(fault="authorization-revoked", arguments={"policy": "deny-by-default"}),
    Change(fault="own-connections", arguments={"service": "payments"}),
    Change(fault="short-certificates", arguments={"deployments": ["payments-v1"], "seconds": 20}),
]
NAMES = [f"{change.fault} {' '.join(map(str, change.arguments.values()))}" for change in CHANGES]
OF_THE_SHOP = ("virtualservices", "destinationrules", "authorizationpolicies", "deployments")


def test_every_kind_is_tried_here() -> None:
    """But one, which changes nothing."""
    assert {change.fault for change in CHANGES} == KINDS.keys() - {"certificates-end"}


@pytest.fixture(autouse=True)
def envoys(cluster: ScriptedCluster) -> None:
    """They have met nothing."""
    for service in ("catalog", "orders", "payments"):
        cluster.envoys[service] = lambda path: "" if path.startswith("/stats") else '{"configs": []}'


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
async def test_everything_is_as_before_and_stays_so(cluster: ScriptedCluster, change: Change) -> None:
    fault, before = made(change), content(cluster)
    async with cluster.site() as site:
        memory = json.loads(json.dumps(await fault.plan(site)))  # as the watchdog reads it
        assert content(cluster) == before
        await fault.inject(site, memory)
        assert content(cluster) != before
        await made(change).remove(site, memory)
        assert content(cluster) == before
        written = len(cluster.written)
        await made(change).remove(site, memory)
    assert content(cluster) == before
    assert [one for one in cluster.written[written:] if one[0] != "DELETE"] == []


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
async def test_what_was_never_injected_is_left_alone(cluster: ScriptedCluster, change: Change) -> None:
    fault, before = made(change), content(cluster)
    async with cluster.site() as site:
        await fault.remove(site, await fault.plan(site))
    assert content(cluster) == before


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
async def test_what_is_made_is_found_by_the_runs_label(cluster: ScriptedCluster, change: Change) -> None:
    fault, there = made(change), set(cluster.objects)
    async with cluster.site() as site:
        await fault.inject(site, await fault.plan(site))
    new = [one for (kind, name), one in cluster.objects.items() if (kind, name) not in there and kind != "pods"]
    assert [one["metadata"]["labels"][LABEL] for one in new] == [RUN] * len(new)


@pytest.mark.parametrize(
    ("fault", "arguments"),
    [
        ("server-errors", {"service": "payments", "percent": 0}),
        ("server-slow", {"service": "payments", "seconds": 0}),
        ("network", {"caller": "orders", "callee": "catalog", "how": "slow"}),
        ("network", {"caller": "orders", "callee": "catalog", "how": "reset", "percent": 101}),
        ("short-certificates", {"deployments": ["payments-v1"], "seconds": 1}),
    ],
)
def test_a_fault_that_would_be_none_is_refused(fault: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadExperiment):
        made(Change(fault=fault, arguments=arguments))


async def test_weights_that_somebody_set_meanwhile_outlive_the_fault(cluster: ScriptedCluster) -> None:
    """A canary's route belongs to the canary, whatever else comes and goes in the object."""
    fault = made(CHANGES[0])
    half = [{"destination": {"host": "catalog", "subset": "v1"}, "weight": 50}]

    def shift(document: dict[str, Any]) -> None:
        document["spec"]["http"][0]["route"] = half

    async with cluster.site() as site:
        memory = await fault.plan(site)
        await fault.inject(site, memory)
        cluster.edit("virtualservices", "catalog", shift)
        await fault.remove(site, memory)
    assert cluster.objects["virtualservices", "catalog"]["spec"]["http"][0]["route"] == half


async def test_a_setting_that_somebody_changed_meanwhile_is_left(cluster: ScriptedCluster) -> None:
    fault = made(CHANGES[2])
    async with cluster.site() as site:
        memory = await fault.plan(site)
        await fault.inject(site, memory)
        await site.shop.set_variables("payments-v1", {"FAILURE_RATE": "0.5"})
        await fault.remove(site, memory)
    assert cluster.settings("payments")["FAILURE_RATE"] == "0.5"


def content(cluster: ScriptedCluster) -> Mapping[tuple[str, str], Any]:
    """What the shop's objects say, and that there are no others."""
    objects = {key: one for key, one in cluster.objects.items() if key[0] != "pods"}
    return copy.deepcopy({key: _normal(one["spec"]) if key[0] in OF_THE_SHOP else one for key, one in objects.items()})


def _normal(spec: Any) -> Any:
    """Variables in any order are the same ones."""
    for container in spec.get("template", {}).get("spec", {}).get("containers", []):
        container["env"].sort(key=lambda each: each["name"])
    return spec
