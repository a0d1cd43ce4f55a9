"""The caller's calls go astray, and nothing else does."""

from __future__ import annotations

import pytest

from mesh.chaos.faults.mesh.detour import listening, rules, without
from mesh.chaos.faults.mesh.network import Network
from tests.canary.kubernetes_api import Object
from tests.chaos.faults.mesh.scripted_cluster import RUN, ScriptedCluster

HOST = "refused.chaos.internal"
REFUSED = Network("orders", "catalog", "refused")


def http(cluster: ScriptedCluster, name: str) -> list[Object]:
    found: list[Object] = cluster.objects["virtualservices", name]["spec"]["http"]
    return found


def test_one_caller_is_led_astray_and_retries_as_before(cluster: ScriptedCluster) -> None:
    entrance, primary = http(cluster, "payments-mesh"), http(cluster, "payments")
    ours = rules(entrance, primary, "orders", HOST, 100)
    assert [rule["name"] for rule in ours] == ["chaos-books", "chaos-mesh"]  # what operators ask still arrives
    assert all(match["sourceLabels"] == {"app": "orders"} for rule in ours for match in rule["match"])
    assert [rule["retries"] for rule in ours] == [rule["retries"] for rule in entrance if "delegate" in rule]
    assert all(rule["route"] == [{"destination": {"host": HOST, "port": {"number": 50051}}}] for rule in ours)
    assert without([*ours, *entrance]) == entrance


def test_a_tenth_goes_astray_and_the_rest_where_it_went(cluster: ScriptedCluster) -> None:
    two_versions = [{"name": "primary", "route": [route("v1", 90), route("v2", 10)]}]
    [_, ours] = rules(http(cluster, "payments-mesh"), two_versions, "orders", HOST, 10)
    assert [each["weight"] for each in ours["route"]] == [1000, 8100, 900]
    assert [each["destination"]["host"] for each in ours["route"]] == [HOST, "payments", "payments"]


def route(version: str, weight: int) -> Object:
    return {"destination": {"host": "payments", "subset": version}, "weight": weight}


async def test_the_way_astray_has_the_callees_connection_settings(cluster: ScriptedCluster) -> None:
    async with cluster.site() as site:
        await REFUSED.inject(site, await REFUSED.plan(site))
    astray = cluster.objects["destinationrules", "chaos-refused-catalog"]["spec"]
    assert astray["trafficPolicy"] == cluster.objects["destinationrules", "catalog"]["spec"]["trafficPolicy"]
    [endpoint] = cluster.objects["serviceentries", "chaos-refused-catalog"]["spec"]["endpoints"]
    assert endpoint == {"address": "127.0.0.1"}
    assert http(cluster, "catalog-mesh")[0]["name"] == "chaos-mesh"


@pytest.mark.parametrize(
    ("clusters", "present"),
    [
        ("outbound|50051|v1|catalog::127.10.0.3:50051::cx_total::7\n", False),
        (f"outbound|50051||{HOST}::127.0.0.1:1::cx_total::0\n", None),
        (f"outbound|50051||{HOST}::127.0.0.1:1::cx_total::3\noutbound|50051||{HOST}::127.0.0.1:1::zone::\n", True),
    ],
)
async def test_it_is_there_once_envoy_has_tried_the_way_astray(
    cluster: ScriptedCluster, clusters: str, present: bool | None
) -> None:
    cluster.envoys["orders"] = lambda _: clusters
    async with cluster.site() as site:
        assert (await REFUSED.proof(site, await REFUSED.plan(site))).present is present


async def test_a_caller_that_never_calls_cannot_be_cut_off(cluster: ScriptedCluster) -> None:
    cluster.edit("virtualservices", "catalog-mesh", lambda document: document["spec"]["http"].pop(1))
    async with cluster.site() as site:
        assert await REFUSED.impossible(site)


def test_the_peer_is_told_where_to_listen_and_belongs_to_the_run() -> None:
    errand = {"metadata": {"labels": {"app": "peer"}}, "spec": {"containers": [{"name": "errand", "env": []}]}}
    pod = listening(errand, RUN)
    assert pod["metadata"]["labels"] == {"app": "peer", "argosy/chaos": RUN}
    assert pod["spec"]["containers"][0]["env"][0]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
