"""Is every pod in the mesh, with its proxy up before its service and down after it?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.cluster.nodes import name, objects
from tests.end_to_end.conftest import argosy, kubectl

pytestmark = pytest.mark.usefixtures("cluster")


def proxies(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod's sidecars as Kubernetes knows them: init containers that go on running."""
    starting = pod["spec"].get("initContainers", [])
    return [each for each in starting if each["name"] == "istio-proxy" and each.get("restartPolicy") == "Always"]


def began(statuses: list[dict[str, Any]], container: str) -> datetime:
    """When the container, which runs, was started."""
    (status,) = [status for status in statuses if status["name"] == container]
    return datetime.fromisoformat(status["state"]["running"]["startedAt"])


def services() -> list[dict[str, Any]]:
    return objects("pods", "-n", "shop", "-l", "app.kubernetes.io/component=service")


def test_every_pod_of_every_service_has_a_native_sidecar() -> None:
    pods = services()
    assert {pod["metadata"]["labels"]["app"] for pod in pods} == {"catalog", "inventory", "orders", "payments"}
    assert [name(pod) for pod in pods if len(proxies(pod)) != 1] == []


def test_the_proxy_runs_before_the_service_starts() -> None:
    for pod in services():
        status = pod["status"]
        proxy = began(status["initContainerStatuses"], "istio-proxy")
        assert proxy <= began(status["containerStatuses"], pod["metadata"]["labels"]["app"]), name(pod)


def test_a_job_ends_although_its_proxy_would_run_for_ever() -> None:
    asked = ["create", "job", "ending", "--from=cronjob/operator"]
    assert kubectl(*asked).code == 0
    try:
        done = kubectl("wait", "job/ending", "--for=condition=Complete", "--timeout=120s")
        assert done.code == 0, done.err
        (pod,) = objects("pods", "-n", "shop", "-l", "job-name=ending")
        assert len(proxies(pod)) == 1
    finally:
        assert kubectl("delete", "job", "ending").code == 0


def test_the_gateway_is_nothing_but_the_proxy() -> None:
    for pod in objects("pods", "-n", "shop", "-l", "app=gateway"):
        assert [container["name"] for container in pod["spec"]["containers"]] == ["istio-proxy"]
        assert pod["spec"]["containers"][0]["image"] != "auto"


def test_a_pod_that_asks_for_none_gets_none() -> None:
    """The negative control: it is the injector that puts them there, and what the manifests say of it counts."""
    image = services()[0]["spec"]["containers"][0]["image"]
    run = [
        "run",
        "bare",
        f"--image={image}",
        "--restart=Never",
        "--command",
        "--annotations=sidecar.istio.io/inject=false",
    ]
    try:
        assert kubectl(*run, "--", "python", "-c", "").code == 0
        (pod,) = [pod for pod in objects("pods", "-n", "shop") if name(pod) == "bare"]
        assert proxies(pod) == []
    finally:
        assert kubectl("delete", "pod", "bare", "--now").code == 0


def test_istioctl_sees_every_proxy_in_step_with_istiod() -> None:
    done = argosy("istioctl", "proxy-status", "--namespace", "shop")
    assert done.code == 0, done.err
    for pod in services():
        assert name(pod) in done.out
    assert "STALE" not in done.out
