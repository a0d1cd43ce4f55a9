"""A fault is there when Envoy says so, whatever the Kubernetes API was told."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.chaos.faults.mesh.authorization import AuthorizationRevoked
from mesh.chaos.faults.mesh.certificates import CertificatesEnd, ShortCertificates
from mesh.chaos.faults.mesh.server_fault import ServerErrors, ServerSlow
from mesh.chaos.faults.mesh.variables import Variables
from mesh.running_shop import ShopError
from tests.chaos.faults.mesh.scripted_cluster import ScriptedCluster

Document = dict[str, Any]

ERRORS = ServerErrors("payments", ("Charge",), 15)
IN_FORCE: Document = {
    "configs": [{"active_state": {"listener": {"http_filters": [{"name": "chaos-server-errors-payments"}]}}}]
}
ENDING: Document = {"configs": [{"draining_state": IN_FORCE["configs"][0]["active_state"]}]}
ENFORCED: Document = {"configs": [{"active_state": {"rules": {"policies": {"ns[shop]-policy[payments]-rule[0]": {}}}}}]}
NOTHING: Document = {"configs": [{"active_state": {}}]}


def met(calls: int) -> str:
    return f"http.inbound_0.0.0.0_50051;.fault.aborts_injected: {calls}\n"


@pytest.mark.parametrize(
    ("listeners", "counted", "present"),
    [
        (IN_FORCE, met(2), None),  # as many as before
        (IN_FORCE, met(3), True),
        (IN_FORCE, "", True),  # this Istio counts none
        (ENDING, met(3), False),
        (NOTHING, met(3), False),
    ],
)
async def test_a_fault_at_the_server_is_in_force_and_was_met(
    cluster: ScriptedCluster, listeners: Document, counted: str, present: bool | None
) -> None:
    cluster.envoys["payments"] = lambda path: counted if path.startswith("/stats") else json.dumps(listeners)
    async with cluster.site() as site:
        memory = {"object": "chaos-server-errors-payments", "met": 2.0}
        assert (await ERRORS.proof(site, memory)).present is present


@pytest.mark.parametrize(
    ("fault", "path", "meant"),
    [
        (ERRORS, "/shop.payments.v1.PaymentsService/Charge", True),
        (ERRORS, "/shop.payments.v1.PaymentsService/Refund", False),
        (ServerSlow("payments"), "/shop.payments.v1.PaymentsService/Refund", True),
        (ServerSlow("payments"), "/grpc.health.v1.Health/Check", False),
        (ServerSlow("payments"), "/argosy.resilience.v1.ResilienceAdminService/GetState", False),
    ],
)
def test_probes_and_operators_never_meet_it(fault: ServerErrors | ServerSlow, path: str, meant: bool) -> None:
    assert bool(re.fullmatch(fault.paths, path)) is meant


async def test_a_status_that_grpc_has_not_is_refused(cluster: ScriptedCluster) -> None:
    async with cluster.site() as site:
        assert await ServerErrors("payments", status="TEAPOT").impossible(site)
        assert not await ERRORS.impossible(site)


@pytest.mark.parametrize(("listeners", "present"), [(ENFORCED, False), (NOTHING, True)])
async def test_a_permission_is_revoked_once_no_envoy_enforces_it(
    cluster: ScriptedCluster, listeners: Document, present: bool
) -> None:
    cluster.envoys["payments"] = lambda _: json.dumps(listeners)
    fault = AuthorizationRevoked("payments")
    async with cluster.site() as site:
        memory = await fault.plan(site)
        await fault.inject(site, memory)
        assert (await fault.proof(site, memory)).present is present


def certs(serial: str, seconds: float) -> str:
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    own = {"serial_number": serial, "expiration_time": ends.isoformat()}
    older = {"serial_number": "0", "expiration_time": (ends - timedelta(seconds=8)).isoformat()}
    return json.dumps({"certificates": [{"cert_chain": [older]}, {"cert_chain": [own]}, {"cert_chain": []}]})


@pytest.mark.parametrize(("left", "present"), [(86_400, False), (12, True)])
async def test_certificates_are_short_when_envoy_shows_short_ones(
    cluster: ScriptedCluster, left: float, present: bool
) -> None:
    cluster.envoys["payments"] = lambda _: certs("a", left)
    async with cluster.site() as site:
        assert (await ShortCertificates(("payments-v1",), 16).proof(site, {})).present is present


@pytest.mark.parametrize(
    ("serial", "left", "ended"), [("a", 3600, False), ("b", 3600, True), ("a", -60, True)]
)  # the same, a new one, and one that nobody has replaced
async def test_a_certificate_ends_by_a_new_one_or_by_itself(
    cluster: ScriptedCluster, serial: str, left: float, ended: bool
) -> None:
    cluster.envoys["payments"] = lambda _: certs("a", 3600)
    fault = CertificatesEnd(("payments-v1",))
    async with cluster.site() as site:
        memory = await fault.plan(site)
        cluster.envoys["payments"] = lambda _: certs(serial, left)
        assert (await fault.proof(site, memory)).present is ended


async def test_pods_and_not_the_deployment_say_which_variables_they_have(cluster: ScriptedCluster) -> None:
    fault = Variables("payments-v1", {"FAILURE_RATE": "1"})
    async with cluster.site() as site:
        memory = await fault.plan(site)
        assert (await fault.proof(site, memory)).present is False
        await fault.inject(site, memory)
        assert (await fault.proof(site, memory)).present is True


async def test_where_nobody_can_be_asked_nothing_is_proved(cluster: ScriptedCluster) -> None:
    async with cluster.site() as site:
        with pytest.raises(ShopError, match="no process payments"):
            await ERRORS.proof(site, {"object": "", "met": 0.0})
