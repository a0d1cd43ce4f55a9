"""A program of ours in the shop's namespace: like a service's pod, without its rights, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import Pod

from mesh.errand_pod import CONTAINER, Errand, ErrandFailed, policies
from tests.http_server import serving
from tests.suspended_job.scripted_api import kubeconfig

RESTRICTED = {"runAsNonRoot": True}
SERVICE = {
    "name": "orders",
    "image": "argosy:dev",
    "imagePullPolicy": "IfNotPresent",
    "command": ["python", "-m", "services.orders"],
    "env": [
        {"name": "DATABASE_URL", "value": "secret"},
        {"name": "MESH_EGRESS_ADDRESS", "value": "$(ARGOSY_EGRESS_IP)"},
    ],
    "resources": {"limits": {"memory": "256Mi"}},
    "securityContext": {"readOnlyRootFilesystem": True},
    "livenessProbe": {"grpc": {"port": 50051}},
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
}
CLOSED = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}}}
OPEN = {"metadata": {"name": "one"}, "spec": {"podSelector": {"matchLabels": {"app": "orders"}}}}
ANSWER = 'log\n{"said": 1}\n'
ERRAND = Errand("stranger", "default", ["python", "-c", "pass"])


def like() -> Pod:
    annotations = {"sidecar.istio.io/proxyCPU": "100m", "sidecar.istio.io/status": "injected", "other": "x"}
    made = Pod.from_dict(
        {
            "metadata": {"namespace": "shop", "labels": {"app": "orders"}, "annotations": annotations},
            "spec": {
                "containers": [{"name": "istio-proxy", "image": "proxy"}, SERVICE],
                "securityContext": RESTRICTED,
                "serviceAccountName": "orders",
                "volumes": [{"name": "data"}],
            },
        }
    )
    assert isinstance(made, Pod)
    return made


@asynccontextmanager
async def scripted(
    present: list[dict[str, Any]], exit_code: int, said: str = ANSWER
) -> AsyncIterator[tuple[AsyncClient, list[str]]]:
    """An API server whose pods end at once; notes what is made and deleted."""
    notes: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        kind, name = request.path.split("/")[-2:]
        match request.method:
            case "POST":
                made = await request.json()
                notes.append(f"made {name}")
                return web.Response(body=json.dumps(made), headers={"Content-Type": "application/json"})
            case "DELETE":
                notes.append(f"deleted {kind}")
        ended = {"name": CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
        ended |= {"state": {"terminated": {"exitCode": exit_code}}}
        content: dict[str, Any] = {"metadata": {"name": name}, "status": {"containerStatuses": [ended]}}
        if name == "log":
            return web.Response(text=said)
        if name == "networkpolicies":
            content = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": present}
        return web.Response(body=json.dumps(content), headers={"Content-Type": "application/json"})

    async with serving(web.route("*", "/{path:.*}", answer)) as port:
        config = kubeconfig(f"http://127.0.0.1:{port}")
        client = AsyncClient(config=KubeConfig.from_dict(config), namespace="shop", trust_env=False)
        try:
            yield client, notes
        finally:
            await client.close()


def test_it_is_like_the_services_container_but_has_none_of_its_rights() -> None:
    made = ERRAND.manifest(like(), "stranger-1", "shop")
    (container,) = made["spec"]["containers"]
    assert {key: container[key] for key in ("image", "imagePullPolicy", "resources", "securityContext")} == {
        key: SERVICE[key] for key in ("image", "imagePullPolicy", "resources", "securityContext")
    }
    assert {"livenessProbe", "volumeMounts"}.isdisjoint(container)
    assert container["env"] == [SERVICE["env"][1]]  # type: ignore[index]  # and not the database's
    assert made["spec"]["securityContext"] == RESTRICTED
    assert made["spec"]["serviceAccountName"] == "default"
    assert made["spec"]["automountServiceAccountToken"] is False


def test_it_gets_a_sidecar_like_the_services_or_none_when_it_is_to_stand_outside() -> None:
    metadata = ERRAND.manifest(like(), "stranger-1", "shop")["metadata"]
    assert metadata["annotations"] == {"sidecar.istio.io/proxyCPU": "100m"}
    assert metadata["labels"]["sidecar.istio.io/inject"] == "true"
    outside = Errand("plaintext", "default", [], in_mesh=False).manifest(like(), "plaintext-1", "shop")
    assert outside["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert outside["spec"]["containers"][0]["env"] == []


async def test_what_it_says_is_passed_on_and_its_pod_is_deleted() -> None:
    async with scripted([OPEN], 0) as (client, notes):
        assert await ERRAND.run(client, like()) == ANSWER
    assert notes == ["made pods", "deleted pods"]


async def test_a_program_that_fails_is_an_error_and_leaves_nothing() -> None:
    async with scripted([CLOSED], 1) as (client, notes):
        with pytest.raises(ErrandFailed, match="has failed with exit code 1 and said: log"):
            await ERRAND.run(client, like())
    assert sum(note.startswith("made") for note in notes) == sum(note.startswith("deleted") for note in notes) == 3


async def test_a_program_that_does_not_answer_is_an_error_with_what_it_said() -> None:
    async with scripted([OPEN], 0, said="only a warning\n") as (client, _):
        with pytest.raises(ErrandFailed, match="ended without an answer and said: only a warning"):
            await ERRAND.run(client, like())


async def test_a_closed_network_is_opened_for_its_pod_and_closed_again() -> None:
    async with scripted([OPEN, CLOSED], 0) as (client, notes):
        await ERRAND.run(client, like())
    opened, closed = ["made networkpolicies"] * 2, ["deleted networkpolicies"] * 2
    assert notes == [*opened, "made pods", "deleted pods", *closed]


def test_only_its_own_pod_is_let_out_and_in() -> None:
    out, into = (policy["spec"] for policy in policies("shop", "stranger-1"))
    own = {"matchLabels": {"app": "stranger-1"}}
    assert out == {"podSelector": own, "policyTypes": ["Egress"], "egress": [{}]}
    assert into["ingress"] == [{"from": [{"podSelector": own}]}]
    assert into["policyTypes"] == ["Ingress"]
