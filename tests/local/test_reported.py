"""What the API reports of a pod, and what the local cluster's table makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from lightkube.resources.core_v1 import Pod

from mesh.local.picture import ContainerPicture, Picture, PodPicture
from mesh.local.report import as_json
from mesh.local.reported import pod_picture, ready
from mesh.local.sync import Sync
from tests.local.test_readiness import shown

CONTAINERS = [ContainerPicture("orders", 11, 12, ready=True, restarts=0)]
SYNCED = Sync(synced=True, detail="")


def pod(**status: Any) -> Pod:
    metadata = {"name": "orders-1", "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"}
    spec = {"containers": [], "nodeName": "local", "serviceAccountName": "orders"}
    made = Pod.from_dict({"metadata": metadata, "spec": spec, "status": {"podIP": "127.10.0.7", **status}})
    assert isinstance(made, Pod)
    return made


def local_picture(rejected: int | None) -> PodPicture:
    return pod_picture(pod(), CONTAINERS, SYNCED, rejected=rejected)


def test_a_local_pod_is_shown_with_its_address_and_on_no_node() -> None:
    picture = Picture((), pods=(local_picture(rejected=0),))
    assert "127.10.0.7" in shown(picture)
    assert as_json(picture)["pods"][0]["node"] is None


@pytest.mark.parametrize(("rejected", "said"), [(0, "synced"), (2, "refused 2 before"), (None, "does not answer")])
def test_what_a_local_sidecar_has_refused_is_shown(rejected: int | None, said: str) -> None:
    assert said in shown(Picture((), pods=(local_picture(rejected),)))


READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize("others", [[], [{**READY, "type": "Initialized"}]])
def test_a_pod_is_ready_when_its_condition_ready_holds(others: list[dict[str, str]]) -> None:
    assert ready(pod(conditions=[*others, READY]))
    assert not ready(pod(conditions=[*others, {**READY, "status": "False"}]))
    assert not ready(pod(conditions=others))
