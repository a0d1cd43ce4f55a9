"""Anybody's kubectl does on the local cluster what it does on any other: the same tests, on either."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtest.shopper import Shopper
from tests.end_to_end.conftest import argosy, eventually, kubectl

pytestmark = pytest.mark.usefixtures("cluster")

SERVICES = {"catalog", "inventory", "payments", "orders"}


def pods(selector: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = kubectl("get", "pods", "-l", selector, "-o", "json").json["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def test_every_pod_is_running_and_ready() -> None:
    listed = kubectl("get", "pods", "-l", "app.kubernetes.io/part-of", "-o", "json").json["items"]
    assert {pod["metadata"]["labels"]["app"] for pod in listed} >= SERVICES | {"gateway"}
    for pod in (
        pod for pod in listed if pod["status"]["phase"] != "Succeeded"
    ):  # but for Jobs that have done their work
        assert pod["status"]["phase"] == "Running", pod["metadata"]["name"]
        assert all(status["ready"] for status in pod["status"]["containerStatuses"]), pod["metadata"]["name"]


def test_a_deleted_pod_is_replaced() -> None:
    (before,) = [pod["metadata"]["name"] for pod in pods("app=inventory")]
    assert kubectl("delete", "pod", before).code == 0
    assert kubectl("rollout", "status", "deployment/inventory-v1", "--timeout=60s").code == 0
    (after,) = [pod["metadata"]["name"] for pod in pods("app=inventory")]
    assert after != before


def test_scale_adds_and_removes_pods() -> None:
    assert kubectl("scale", "deployment/catalog-v1", "--replicas=2").code == 0
    assert kubectl("rollout", "status", "deployment/catalog-v1", "--timeout=60s").code == 0
    assert len(pods("app=catalog,version=v1")) == 2
    assert kubectl("scale", "deployment/catalog-v1", "--replicas=1").code == 0
    eventually("pods of catalog v1", lambda: len(pods("app=catalog,version=v1")), 1)


def test_rollout_restart_replaces_the_pod() -> None:
    (before,) = [pod["metadata"]["uid"] for pod in pods("app=payments,version=v2")]
    assert kubectl("rollout", "restart", "deployment/payments-v2").code == 0
    done = kubectl("rollout", "status", "deployment/payments-v2", "--timeout=60s")
    assert "successfully rolled out" in done.out
    eventually("pods of payments v2", lambda: len(pods("app=payments,version=v2")), 1)
    assert pods("app=payments,version=v2")[0]["metadata"]["uid"] != before


async def test_logs_are_the_containers_own(shopper: Shopper) -> None:
    assert not (await shopper.place_order(presses=3)).failed
    (pod,) = [pod["metadata"]["name"] for pod in pods("app=orders")]
    lines = kubectl("logs", pod, "-c", "orders").out.splitlines()
    assert any(json.loads(line)["message"] for line in lines if line.startswith("{"))
    assert argosy("logs", pod, "--tail", "1").out.count("\n") == 1


@pytest.mark.local_only("a kubelet leaves nothing out")
def test_events_say_what_the_node_cannot_do() -> None:
    events = kubectl("get", "events", "-o", "json").json["items"]
    assert any("leaves out: resource limits" in event["message"] for event in events)


def test_a_command_that_does_not_exist_shows_as_an_event_and_a_state() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "typo", "namespace": "shop", "annotations": {"sidecar.istio.io/inject": "false"}},
        "spec": {"containers": [{"name": "typo", "image": "argosy:dev", "command": ["no-such-program"]}]},
    }
    assert kubectl("apply", "-f", "-", stdin=json.dumps(manifest)).code == 0
    try:
        eventually(
            "the event",
            lambda: any(
                "no-such-program" in event["message"]
                for event in kubectl("get", "events", "-o", "json").json["items"]
                if event["involvedObject"]["name"] == "typo"
            ),
            wanted=True,
        )
        status = kubectl("get", "pod", "typo", "-o", "json").json["status"]
        assert not status["containerStatuses"][0]["ready"]
    finally:
        assert kubectl("delete", "pod", "typo").code == 0
