"""Who stands outside the mesh? A pod in a namespace of its own, without a proxy and without a certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.nodes import apply, objects
from tests.end_to_end.conftest import argosy

NAMESPACE = "outsiders"
WAITING = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); signal.pause()"
# One health check without TLS: prints the status code.
HEALTH = """
import sys, grpc
ask = grpc.insecure_channel(sys.argv[1]).unary_unary("/grpc.health.v1.Health/Check", request_serializer=bytes)
try:
    ask(b"", timeout=10)
    print("OK")
except grpc.RpcError as error:
    print(error.code().name)
"""
# One connection: prints whether it came about.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print("connected")
except OSError:
    print("refused")
"""
# Answers connections on every interface.
LISTEN = "import socket\ns = socket.create_server(('', 8000))\nwhile True: s.accept()[0].close()"


def pod(pod_name: str, namespace: str, program: str, *, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A pod of the shop's image, beyond the mesh, that runs `program`; its end needs no patience."""
    (some, *_) = objects("pods", "-n", "shop", "-l", "app=catalog")
    container = {"name": "main", "image": some["spec"]["containers"][0]["image"], "command": ["python", "-c", program]}
    metadata = {"name": pod_name, "namespace": namespace, "labels": labels or {}}
    metadata["annotations"] = {"sidecar.istio.io/inject": "false"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@contextmanager
def started(*pods: dict[str, Any]) -> Iterator[None]:
    """These pods run meanwhile."""
    names = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in pods]
    try:
        for each in pods:
            apply(each)
        for namespace, pod_name in names:
            running = "--for=jsonpath={.status.phase}=Running"
            done = argosy("kubectl", "-n", namespace, "wait", f"pod/{pod_name}", running, "--timeout=120s")
            assert done.code == 0, done.err
        yield
    finally:
        for namespace, pod_name in names:
            argosy("kubectl", "-n", namespace, "delete", "pod", pod_name, "--now", "--ignore-not-found")


@contextmanager
def beyond_the_mesh() -> Iterator[None]:
    """Their namespace, which istiod does not inject into."""
    metadata = {"name": NAMESPACE, "labels": {"istio-injection": "disabled"}}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield
    finally:
        assert argosy("kubectl", "delete", "namespace", NAMESPACE).code == 0


def says(pod_name: str, namespace: str, program: str, *arguments: str) -> str:
    """What `program` prints when it is run in the pod."""
    inside = ["python", "-c", program, *arguments]
    done = argosy("kubectl", "-n", namespace, "exec", pod_name, "--", *inside)
    assert done.code == 0, done.err
    return done.out.strip()


def address(pod_name: str, namespace: str) -> str:
    """The address of a running pod."""
    (found,) = [each for each in objects("pods", "-n", namespace) if each["metadata"]["name"] == pod_name]
    return str(found["status"]["podIP"])
