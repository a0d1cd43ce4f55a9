"""An operator sees the circuits of every pod and overrules them; nobody else does."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from grpc import StatusCode

from loadtest.shopper import Shopper
from mesh.__main__ import INTERRUPTED
from mesh.demo import stranger
from mesh.running_shop import Shop, pod_address, pod_name
from tests.end_to_end.conftest import ARGOSY, CHECKOUT, CLUSTER, Done, argosy, kubectl
from tests.policy.policies import committed

CALLEES = {"catalog", "inventory", "payments"}
ADMIN = "/argosy.resilience.v1.ResilienceAdminService/"
METHODS = [f"orders:50051{ADMIN}{name}" for name in ("GetState", "SetBreaker")]

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def reset() -> Iterator[None]:
    """What a test forces is free again afterwards."""
    yield
    assert argosy("breakers", "reset", "orders/payments").code == 0


def states(done: Done) -> list[dict[str, Any]]:
    assert done.code == 0, done.out + done.err
    return [json.loads(line) for line in done.out.splitlines()]


def circuits(state: dict[str, Any]) -> dict[str, set[tuple[str, bool]]]:
    """How each callee's circuits stand: their states, and whether somebody keeps them so."""
    return {
        callee["name"]: {(breaker["state"], breaker["forced"]) for breaker in callee["breakers"]}
        for callee in state["callees"]
    }


async def charges(shop: Shop, since: datetime) -> int:
    """How many charges have arrived at payments."""
    calls = await shop.log("payments", message="rpc", since=since)
    return sum(str(line.fields["method"]).endswith("/Charge") for line in calls)


async def scraped(shop: Shop) -> str:
    """The metrics of orders."""
    (pod,) = await shop.pods("orders")
    asking = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())"
    if CLUSTER.local:  # nothing runs inside a pod there, and its address is on this machine
        command = [sys.executable, "-c", asking, f"http://{pod_address(pod)}:9464/metrics"]
        return await asyncio.to_thread(subprocess.check_output, command, text=True)
    return kubectl(
        "exec", pod_name(pod), "-c", "orders", "--", "python", "-c", asking, "http://127.0.0.1:9464/metrics"
    ).out


async def test_every_pod_of_every_version_says_how_its_circuits_stand(shop: Shop) -> None:
    seen = states(argosy("breakers", "--json"))
    pods = [pod for service in committed().services for pod in await shop.pods(service)]
    assert {state["pod"] for state in seen} == {pod_name(pod) for pod in pods}
    assert {state["version"] for state in seen if state["service"] == "catalog"} == {"v1", "v2"}
    (orders,) = [circuits(state) for state in seen if state["service"] == "orders"]
    assert orders == {callee: {("closed", False)} for callee in CALLEES}


async def test_a_circuit_forced_open_lets_no_charge_through_until_it_is_reset(
    reset: None, shop: Shop, shopper: Shopper
) -> None:
    assert (await shopper.place_order(presses=3)).code is StatusCode.OK
    began = datetime.now(UTC)
    (opened,) = states(argosy("breakers", "open", "orders/payments", "--reason", "drill", "--json"))
    assert circuits(opened)["payments"] == {("open", True)}

    refused = await shopper.place_order()
    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "PAYMENTS_UNAVAILABLE")
    assert await charges(shop, began) == 0
    assert "open    forced" in argosy("breakers").out
    assert 'argosy_breaker_forced{group="charge",peer="payments"} 2.0' in await scraped(shop)
    said = await shop.log("orders", message="circuit forced open", since=began)
    assert {(line.fields["peer"], line.fields["reason"], line.fields["by"]) for line in said} == {
        ("payments", "drill", "spiffe://cluster.local/ns/shop/sa/operator")
    }

    (closed,) = states(argosy("breakers", "reset", "orders/payments", "--json"))
    assert circuits(closed)["payments"] == {("closed", False)}
    assert (await shopper.place_order(presses=3)).code is StatusCode.OK
    assert await charges(shop, began) >= 1


async def test_one_group_can_be_opened_alone(reset: None) -> None:
    (state,) = states(argosy("breakers", "open", "orders/payments/charge", "--json"))
    (payments,) = [callee for callee in state["callees"] if callee["name"] == "payments"]
    assert [breaker["group"] for breaker in payments["breakers"] if breaker["forced"]] == ["charge"]


@pytest.mark.parametrize("identity", ["auditor", "catalog"])
async def test_other_identities_are_refused_by_the_mesh(shop: Shop, identity: str) -> None:
    answers = stranger.answers(await shop.run_once(f"operating-as-{identity}", identity, stranger.command(*METHODS)))
    assert answers == dict.fromkeys(METHODS, StatusCode.PERMISSION_DENIED.name)


async def test_a_mesh_that_lets_too_many_in_does_not_decide(shop: Shop) -> None:
    """The negative control of the test above: with the policy too wide the server itself refuses."""
    began = datetime.now(UTC)
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "too-wide", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "orders"}}, "action": "ALLOW", "rules": [{}]},
    }
    assert kubectl("apply", "-f", "-", stdin=json.dumps(policy)).code == 0
    try:
        answers = stranger.answers(await shop.run_once("operating-too-wide", "auditor", stranger.command(METHODS[0])))
    finally:
        assert kubectl("delete", "authorizationpolicy", "too-wide").code == 0
    lines = await shop.log("orders", message="rpc", since=began)
    refused = {line.fields["reason"] for line in lines if line.fields["caller"].endswith("/sa/auditor")}
    assert answers == {METHODS[0]: StatusCode.PERMISSION_DENIED.name}
    assert refused == {"NOT_AN_OPERATOR"}


async def test_every_pod_is_reached_when_there_are_two(reset: None, shop: Shop) -> None:
    await shop.scale("orders-v1", 2)
    try:
        names = {pod_name(pod) for pod in await shop.pods("orders")}
        opened = states(argosy("breakers", "open", "orders/payments", "--json"))
        assert {state["pod"] for state in opened} == names
        after = [state for state in states(argosy("breakers", "--json")) if state["service"] == "orders"]
        assert [circuits(state)["payments"] for state in after] == [{("open", True)}] * 2
        assert len(names) == 2
    finally:
        await shop.scale("orders-v1", 1)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("billing/payments", "there are pods of cart, catalog, inventory, orders, payments, "),
        ("orders/bank", "orders does not call bank: it calls catalog, inventory and payments"),
        ("orders/payments/gifts", "payments has no breaker gifts: there are "),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(target: str, sentence: str) -> None:
    done = argosy("breakers", "open", target)
    assert done.code == 2
    assert sentence in done.err


async def watched(output: asyncio.StreamReader, pod: Callable[[str], bool], circuit: tuple[str, bool]) -> str:
    """Read a watch until a pod of orders that is meant says that its circuits to payments stand like this."""
    while text := await output.readline():
        line = json.loads(text)
        if line["service"] == "orders" and pod(line["pod"]) and circuits(line)["payments"] == {circuit}:
            return str(line["pod"])
    raise AssertionError("the watch has ended")


async def test_a_watch_sees_a_change_and_a_pod_that_comes_later(reset: None, shop: Shop) -> None:
    command = [str(ARGOSY), "breakers", "--watch", "--json"]
    watch = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE)
    assert watch.stdout
    try:
        first = await watched(watch.stdout, lambda _: True, ("closed", False))
        assert argosy("breakers", "open", "orders/payments").code == 0
        assert await watched(watch.stdout, lambda pod: pod == first, ("open", True)) == first
        await shop.scale("orders-v1", 2)
        second = await watched(watch.stdout, lambda pod: pod != first, ("closed", False))
        assert second in {pod_name(pod) for pod in await shop.pods("orders")}
    finally:
        watch.send_signal(signal.SIGINT)
        await watch.communicate()
        await shop.scale("orders-v1", 1)
    assert watch.returncode == INTERRUPTED


def test_no_job_is_left() -> None:
    assert argosy("breakers").code == 0
    jobs = kubectl("get", "jobs", "-l", "app=operator", "-o", "json").json["items"]
    assert [job for job in jobs if "deletionTimestamp" not in job["metadata"]] == []
