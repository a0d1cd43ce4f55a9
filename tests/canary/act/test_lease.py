from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from lightkube import AsyncClient

from mesh.canary.act import holder
from mesh.canary.act.lease import EXPIRES_AFTER, LABEL, PROCESS, STOLEN, Lease
from mesh.canary.act.problems import Lost
from mesh.canary.problems import REFUSED, Held
from tests.canary.kubernetes_api import KubernetesApi

ANNA, BERT = "anna@laptop pid 1 run a", "bert@desk pid 2 run b"
NAME = ("leases", "canary-catalog")


@pytest.fixture
def api() -> KubernetesApi:
    return KubernetesApi()


@pytest.fixture
async def client(api: KubernetesApi) -> AsyncIterator[AsyncClient]:
    async with api.client() as client:
        yield client


async def held(client: AsyncClient, who: str) -> Lease:
    lease = Lease(client, "catalog")
    await lease.acquire(who)
    return lease


def age(api: KubernetesApi, seconds: float) -> None:
    """Let the Lease look as if it had last been renewed so long ago."""
    stamp = f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%fZ}"
    api.edit(*NAME, lambda lease: lease["spec"].update(renewTime=stamp))


async def test_the_second_operator_is_refused_with_the_first_ones_name(client: AsyncClient) -> None:
    await held(client, ANNA)
    with pytest.raises(Held, match=ANNA) as caught:
        await held(client, BERT)
    assert caught.value.exit_code == REFUSED


async def test_of_two_who_take_it_at_once_one_has_it(api: KubernetesApi, client: AsyncClient) -> None:
    quicker = iter([True])

    def bert_is_quicker(_method: str, path: str) -> None:
        if path.endswith("leases") and api.written[-1][2]["metadata"].get("name") and next(quicker, False):
            api.put("leases", {**api.written[-1][2], "spec": {**api.written[-1][2]["spec"], "holderIdentity": BERT}})

    api.before_write = bert_is_quicker
    with pytest.raises(Held, match=BERT):
        await held(client, ANNA)


async def test_a_released_lease_is_kept_and_free(api: KubernetesApi, client: AsyncClient) -> None:
    await (await held(client, ANNA)).release()
    assert api.objects[NAME]["metadata"]["labels"] == {LABEL: "catalog"}
    found = await Lease(client, "catalog").look()
    assert found is not None
    assert (found.holder, found.free) == ("", True)
    await held(client, BERT)


async def test_whoever_renews_keeps_it_and_whoever_does_not_may_lose_it(
    api: KubernetesApi, client: AsyncClient
) -> None:
    anna = await held(client, ANNA)
    age(api, EXPIRES_AFTER + 1)
    await anna.renew()
    with pytest.raises(Held):
        await held(client, BERT)
    age(api, EXPIRES_AFTER + 1)
    bert = await held(client, BERT)
    with pytest.raises(Lost, match=BERT):
        await anna.renew()
    await anna.release()  # which is not hers to release
    await bert.renew()


async def test_renewing_twice_at_once_is_no_reason_to_give_up(client: AsyncClient) -> None:
    anna = await held(client, ANNA)
    await asyncio.gather(*(anna.renew() for _ in range(4)))
    await asyncio.gather(anna.renew(), anna.release(), return_exceptions=True)
    found = await anna.look()
    assert found is not None
    assert found.holder == ""


async def test_stealing_names_the_victim_and_leaves_the_reason(api: KubernetesApi, client: AsyncClient) -> None:
    anna = await held(client, ANNA)
    bert = Lease(client, "catalog")
    assert await bert.steal(BERT, "anna is on holiday") == ANNA
    assert api.objects[NAME]["metadata"]["annotations"][STOLEN] == "anna is on holiday"
    with pytest.raises(Lost, match=BERT):
        await anna.renew()
    await bert.release()
    await held(client, ANNA)
    assert STOLEN not in api.objects[NAME]["metadata"]["annotations"]


async def test_a_lease_renewed_while_it_was_looked_at_is_not_stolen(api: KubernetesApi, client: AsyncClient) -> None:
    await held(client, ANNA)
    again = iter([0])
    api.before_write = lambda method, _path: age(api, next(again)) if method == "PATCH" else None
    with pytest.raises(Held, match=ANNA):
        await Lease(client, "catalog").steal(BERT, "in a hurry")


@pytest.mark.parametrize("skew", [-3600, 3600])
async def test_the_clock_of_the_cluster_counts_and_not_the_operators(
    api: KubernetesApi, client: AsyncClient, skew: int
) -> None:
    api.clock = lambda: datetime.now(UTC) + timedelta(seconds=skew)
    await held(client, ANNA)
    found = await Lease(client, "catalog").look()
    assert found is not None
    assert 0 < found.left <= EXPIRES_AFTER + 2
    with pytest.raises(Held):
        await held(client, BERT)


async def test_by_the_operators_own_clock_the_same_lease_would_be_taken(
    api: KubernetesApi, client: AsyncClient
) -> None:
    api.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
    await held(client, ANNA)
    renewed = datetime.fromisoformat(api.objects[NAME]["spec"]["renewTime"])
    assert (datetime.now(UTC) - renewed).total_seconds() > EXPIRES_AFTER


async def test_a_time_without_a_fraction_is_never_written(api: KubernetesApi, client: AsyncClient) -> None:
    await (await held(client, ANNA)).renew()
    assert "." in api.objects[NAME]["spec"]["renewTime"]


@pytest.mark.processes
async def test_a_lease_whose_process_has_died_on_this_machine_is_free_at_once(
    api: KubernetesApi, client: AsyncClient
) -> None:
    await held(client, ANNA)
    program = "import sys; from mesh.canary.act.holder import mark; print(mark(), flush=True); sys.stdin.read()"
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=pipe, stdout=pipe)
    assert other.stdout
    mark = (await other.stdout.readline()).decode().strip()
    api.edit(*NAME, lambda lease: lease["metadata"]["annotations"].update({PROCESS: mark}))
    with pytest.raises(Held):
        await held(client, BERT)
    other.kill()
    await other.wait()
    await held(client, BERT)


@pytest.mark.parametrize("mark", ["", "nonsense", "another-boot/pid:[1]/1/1", "a/b/c/d"])
def test_whoever_is_not_known_to_have_died_lives(mark: str) -> None:
    assert not holder.gone(mark)
    assert not holder.gone(holder.mark())
