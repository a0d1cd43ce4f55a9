"""Do the Roles suffice, as a real API server sees it? The watchdog's to stand in, the operators' to act."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx2
import pytest
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.config.models import User
from lightkube.resources.coordination_v1 import Lease as LeaseObject
from lightkube.resources.core_v1 import ConfigMap
from lightkube.types import PatchType
from rich.console import Console

from mesh.canary.act.examining import examine
from mesh.canary.act.lease import Lease
from mesh.canary.act.routing import Routing
from mesh.canary.journal.keeping import Journals
from mesh.canary.journal.state import Wish
from mesh.canary.measure.scraping import sidecars
from mesh.canary.run.place import Place
from mesh.canary.run.requests import obey
from mesh.canary.watchdog.presence import ALL
from mesh.canary.watchdog.watching import Watchdog
from mesh.chosen_cluster import NAMESPACE
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from mesh.running_shop import CHECKOUT
from tests.canary.look.story import ANNA, RUN, Story
from tests.end_to_end.conftest import CLUSTER, kubectl

pytestmark = pytest.mark.local_only("elsewhere its pods watch, too")

COMPONENT = CHECKOUT / "k8s" / "components" / "canary-watchdog"
OBJECTS = ("service-account", "role", "role-operator", "role-binding")
OPERATORS = ("rolebinding", "canary-operators")
TIMES = 10
"""So much faster runs the watchdog's time."""


@pytest.fixture
async def dead_run(client: AsyncClient) -> AsyncIterator[Routing]:
    """Catalog's canary at 25 %, whose runner has not renewed for an hour; nothing of it is left at the end."""
    routing, journals = Routing(client, "catalog"), Journals(client, "catalog")
    first, *others = Story().started().wrote("header", {"v1": 100, "v2": 0}).shifted(0, 25).entries
    kept = await journals.begin(first)
    for entry in others:
        kept = await journals.append(kept, entry)
    route = await routing.add_header_rule(await routing.look(), "v2")
    await routing.set_weights(route, {"v1": 75, "v2": 25})
    await Lease(client, "catalog").acquire(f"{ANNA} run {RUN}")
    long_ago = {"spec": {"renewTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}}
    await client.patch(LeaseObject, "canary-catalog", long_ago, patch_type=PatchType.MERGE)
    yield routing
    await routing.set_back("v1")
    kubectl("delete", "configmaps,leases", "-l", "argosy/canary=catalog")


@pytest.fixture
async def roles(cluster: None) -> AsyncIterator[None]:
    """The watchdog's ServiceAccount with its Role, and the operators' Role, which the namespace's own account has."""
    for name in OBJECTS:
        assert kubectl("apply", "-f", str(COMPONENT / f"{name}.yaml")).code == 0
    bound = kubectl("create", *OPERATORS, "--role=canary-operator", f"--serviceaccount={NAMESPACE}:default")
    assert bound.code == 0, bound.err
    yield
    kubectl("delete", *OPERATORS)
    for name in OBJECTS:
        kubectl("delete", "-f", str(COMPONENT / f"{name}.yaml"))
    kubectl("delete", "lease", "watchdog-canaries", "--ignore-not-found")


def acting_as(account: str) -> AsyncClient:
    """A client with a token of this ServiceAccount, and nothing else."""
    token = User(token=kubectl("create", "token", account).out.strip())
    administrator = KubeConfig.from_file(CLUSTER.kubeconfig).get()
    assert administrator
    config = KubeConfig.from_one(cluster=administrator.cluster, user=token, namespace=NAMESPACE)
    return AsyncClient(config, namespace=NAMESPACE, trust_env=False)


async def watched(client: AsyncClient, looks: int) -> None:
    """So many looks of the cluster's watchdog, in its own quick time."""
    left = count(looks, -1)

    async def sleep(seconds: float) -> None:
        if not next(left):
            raise TimeoutError
        await asyncio.sleep(seconds / TIMES)

    def clock() -> float:
        return time.monotonic() * TIMES

    with pytest.raises(TimeoutError):
        await Watchdog(client, ALL, f"watchdog@test pid {os.getpid()}", clock=clock, sleep=sleep).watch()


async def test_with_its_role_it_rolls_back_and_writes_it_down(
    client: AsyncClient, roles: None, dead_run: Routing
) -> None:
    watchdog = acting_as("canary-watchdog")
    await watched(watchdog, looks=25)
    await watchdog.close()
    route = await dead_run.look()
    assert (route.weights, route.header_rule) == ({"v1": 100, "v2": 0}, None)
    kept = await Journals(client, "catalog").read()
    assert kept
    assert (kept.state.outcome, kept.state.exit_code) == ("rolled-back", 10)
    assert "CanaryRolledBack" in kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").out


async def test_without_the_right_to_patch_routes_it_does_not(
    client: AsyncClient, roles: None, dead_run: Routing
) -> None:
    kubectl("patch", "role", "canary-watchdog", "--type=json", "-p", '[{"op": "remove", "path": "/rules/0/verbs/1"}]')
    watchdog = acting_as("canary-watchdog")
    await watched(watchdog, looks=25)
    await watchdog.close()
    assert (await dead_run.look()).weights == {"v1": 75, "v2": 25}


@pytest.mark.parametrize("name", ["carts-of-customers", "canary-catalog-20251124-160000-abcd"])
async def test_it_may_change_no_other_journal_or_configuration(client: AsyncClient, roles: None, name: str) -> None:
    watchdog = acting_as("canary-watchdog")
    with pytest.raises(ApiError, match="cannot patch resource") as refused:
        await watchdog.patch(ConfigMap, name, {"data": {"price": "0"}}, patch_type=PatchType.MERGE)
    assert refused.value.response.status_code == httpx2.codes.FORBIDDEN
    await watchdog.close()


async def test_an_operators_role_suffices_to_look_at_everything_and_to_roll_back(
    roles: None, dead_run: Routing
) -> None:
    operator = acting_as("default")
    told = ConsoleProgress(Console(stderr=True))
    async with sidecars(CLUSTER, "catalog", ("v1", "v2"), read_settings(os.environ), told) as source:
        assert await examine(operator, "catalog", "v1", "v2", source, seconds=1)
    place = Place(operator, "catalog", guard=nobody, folder=None, by=ANNA)
    state = await obey(place, Wish.ROLL_BACK, "as an operator")
    await operator.close()
    assert (state.outcome, (await dead_run.look()).weights) == ("rolled-back", {"v1": 100, "v2": 0})


async def nobody() -> None:
    """Nobody watches."""


async def test_without_the_role_nothing_can_be_looked_at(roles: None, dead_run: Routing) -> None:
    kubectl("delete", *OPERATORS)
    stranger = acting_as("default")
    with pytest.raises(ApiError, match="cannot get resource"):
        await obey(Place(stranger, "catalog", guard=nobody, folder=None, by=ANNA), Wish.ROLL_BACK, "as nobody")
    await stranger.close()
