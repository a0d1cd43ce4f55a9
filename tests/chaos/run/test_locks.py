from __future__ import annotations

import asyncio

import pytest
from lightkube import AsyncClient

from mesh.canary.act.lease import Lease
from mesh.canary.problems import Held
from mesh.chaos.problems import Refused
from mesh.chaos.run import locks
from mesh.chaos.run.locks import held, holders
from mesh.chaos.site import Site
from tests.canary.kubernetes_api import KubernetesApi

ANNA, BERT = "anna@laptop pid 1 chaos doors", "bert@desk pid 2 chaos windows"


async def test_there_is_one_run_a_cluster(site: Site) -> None:
    async with held(site.client, (), ANNA, "shop"):
        with pytest.raises(Refused, match=ANNA):
            async with held(site.client, ("catalog",), BERT, "shop"):
                pass
        assert await holders(site.client, ("catalog",), "shop") == {"chaos": ANNA}


async def test_no_canary_of_a_target_may_begin_meanwhile(site: Site) -> None:
    async with held(site.client, ("catalog",), ANNA, "shop"):
        with pytest.raises(Held, match="is hurting catalog on purpose"):
            await Lease(site.client, "catalog").acquire("bert@desk pid 2 run b")


async def test_rule_38_a_canary_of_a_target_keeps_a_run_away_and_the_other_leases_are_given_back(site: Site) -> None:
    await Lease(site.client, "payments").acquire("bert@desk pid 2 run b")
    with pytest.raises(Refused, match="runs a canary of payments"):
        async with held(site.client, ("catalog", "payments"), ANNA, "shop"):
            pass
    assert await holders(site.client, ("catalog",), "shop") == {}


async def test_afterwards_they_are_free(site: Site) -> None:
    async with held(site.client, ("catalog",), ANNA, "shop"):
        pass
    assert await holders(site.client, ("catalog",), "shop") == {}


async def test_the_canarys_watchdog_takes_no_notice_of_the_cluster_wide_lease(site: Site, api: KubernetesApi) -> None:
    async with held(site.client, (), ANNA, "shop"):
        assert not api.objects["leases", "chaos"]["metadata"].get("labels")


async def test_a_lease_that_was_stolen_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEW_EVERY", 0.01)
    async with held(site.client, ("catalog",), ANNA, "shop") as kept:
        await Lease(site.client, "catalog").steal(BERT, "in a hurry")
        async with asyncio.timeout(30):
            while not kept.lost:
                await asyncio.sleep(0.01)
        assert BERT in kept.lost


async def test_an_api_server_that_is_away_for_a_while_takes_no_lease(
    site: Site, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RENEW_EVERY", 0.01)
    async with held(site.client, (), ANNA, "shop") as kept:
        tried = asyncio.Event()

        def away(_method: str, _path: str) -> None:
            tried.set()
            raise ConnectionResetError

        api.before_write = away
        async with asyncio.timeout(30):
            await tried.wait()
        api.before_write = lambda _method, _path: None
        assert kept.lost == ""


def test_the_names_are_those_that_operators_are_told(site: Site) -> None:
    client: AsyncClient = site.client
    assert (Lease(client, "catalog").name, Lease(client, "chaos", name="chaos").name) == ("canary-catalog", "chaos")
