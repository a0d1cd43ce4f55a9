from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from lightkube import AsyncClient

from mesh.canary.act.lease import Lease
from mesh.canary.act.overwriting import WouldOverwrite, refuse_to_overwrite
from mesh.canary.act.routing import Routing
from mesh.canary.problems import REFUSED
from tests.canary.act.routes import primary, virtual_service
from tests.canary.kubernetes_api import KubernetesApi, Object

PLURAL = "virtualservices"
ENTRANCE = {"kind": "VirtualService", "metadata": {"name": "gateway"}, "spec": {"hosts": ["*"], "http": []}}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    api = KubernetesApi()
    api.put(PLURAL, virtual_service(primary(v1=100, v2=0)), "argosy")
    api.put(PLURAL, ENTRANCE, "argosy")
    async with api.client() as client:
        yield client


def manifests(**weights: int) -> list[Object]:
    """What somebody is about to apply: as in git, without anything the server adds."""
    route: dict[str, Any] = virtual_service(primary(**weights))
    del route["metadata"]["resourceVersion"]
    return [{"kind": "Service", "metadata": {"name": "catalog"}}, ENTRANCE, route]


async def shift(client: AsyncClient, **weights: int) -> None:
    routing = Routing(client, "catalog")
    await routing.set_weights(await routing.look(), weights)


async def test_a_shop_without_canaries_is_applied_to_whatever_others_have_set(client: AsyncClient) -> None:
    await refuse_to_overwrite(client, manifests(v1=90, v2=10))


async def test_a_running_canary_is_not_run_over_and_its_holder_is_named(client: AsyncClient) -> None:
    await Lease(client, "catalog").acquire("anna@laptop pid 1 run a")
    with pytest.raises(WouldOverwrite, match="anna@laptop pid 1 run a runs a canary of catalog") as caught:
        await refuse_to_overwrite(client, manifests(v1=100, v2=0))
    assert caught.value.exit_code == REFUSED


async def test_a_lock_that_is_free_again_holds_nobody_up(client: AsyncClient) -> None:
    lease = Lease(client, "catalog")
    await lease.acquire("anna@laptop pid 1 run a")
    await lease.release()
    await refuse_to_overwrite(client, manifests(v1=100, v2=0))


async def test_weights_that_a_paused_or_promoted_canary_has_left_stay(client: AsyncClient) -> None:
    await shift(client, v1=0, v2=100)
    with pytest.raises(WouldOverwrite, match="left catalog at v1 0 %, v2 100 %, and the manifests say v1 100 %"):
        await refuse_to_overwrite(client, manifests(v1=100, v2=0))


async def test_a_promotion_that_was_written_into_the_manifests_is_applied(client: AsyncClient) -> None:
    await shift(client, v1=0, v2=100)
    await refuse_to_overwrite(client, manifests(v2=100))


async def test_after_a_rollback_there_is_nothing_to_lose(client: AsyncClient) -> None:
    await shift(client, v1=50, v2=50)
    await Routing(client, "catalog").set_back("v1")
    await refuse_to_overwrite(client, manifests(v1=100, v2=0))
