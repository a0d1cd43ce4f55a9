from __future__ import annotations

import asyncio

import pytest
from lightkube import AsyncClient

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.plan import Plan
from mesh.canary.watchdog import vigil
from mesh.canary.watchdog.presence import claims
from mesh.canary.watchdog.watching import Watchdog
from tests.canary.look.story import ANNA, Story, promoted
from tests.canary.watchdog.unattended import LEASE, SERVICE, Enough, Unattended, at_25, kinds

BACK, UNTOUCHED = {"v1": 100, "v2": 0}, {"v1": 75, "v2": 25}
ROLLED_BACK = [Kind.STOLEN, Kind.REQUESTED, Kind.INTENT, Kind.APPLIED, Kind.ENDED]


async def watched(watchdog: Watchdog) -> None:
    """Until the test has seen enough."""
    with pytest.raises(Enough):
        await watchdog.watch()


async def added(shop: Unattended, client: AsyncClient, before: Story | None = None) -> tuple[Entry, ...]:
    return (await shop.entries(client))[len((before or at_25()).entries) :]


async def test_a_run_whose_runner_has_died_is_rolled_back_in_writing_and_its_lease_is_free() -> None:
    shop = Unattended()
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.weights == BACK))
        entries = await added(shop, client)
    assert [entry.kind for entry in entries] == ROLLED_BACK
    assert all(entry.by.startswith("watchdog@") for entry in entries)
    assert entries[0].facts["from"].startswith(ANNA)
    assert (entries[-1].facts["outcome"], entries[-1].facts["exit_code"]) == ("rolled-back", 10)
    assert f"its runner, {ANNA}, has died at 25 %" in entries[-1].facts["reason"]
    assert shop.holder == ""
    assert list(shop.events())[-1] == "CanaryRolledBack"


async def test_it_takes_as_long_as_a_lease_lasts_and_no_longer() -> None:
    shop = Unattended()
    began = shop.now
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.weights == BACK))
    assert 30 <= shop.now - began <= 34


async def test_a_run_whose_runner_renews_is_left_alone() -> None:
    shop = Unattended()
    shop.renews = True
    async with shop.api.client() as client:
        await watched(shop.watchdog(client))
        assert await added(shop, client) == ()
    assert shop.weights == UNTOUCHED


@pytest.mark.parametrize(("longest_gap", "weights"), [(6.0, UNTOUCHED), (1e9, BACK)])
async def test_the_time_in_which_it_could_not_look_does_not_count(
    monkeypatch: pytest.MonkeyPatch, longest_gap: float, weights: dict[str, int]
) -> None:
    """A laptop that was suspended, an API server that was away: the runner could not renew either."""
    monkeypatch.setattr(vigil, "LONGEST_GAP", longest_gap)
    shop = Unattended()

    def a_minute_is_lost() -> bool:
        shop.now += 60 if shop.now == 1020 else 0
        return shop.now >= 1100

    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=a_minute_is_lost))
    assert shop.weights == weights


async def test_a_runner_that_is_back_at_the_last_moment_keeps_its_run() -> None:
    shop = Unattended()
    shop.lapse = lambda: shop.lease(0.0) if shop.now == 1030 else None  # type: ignore[method-assign]
    shop.api.before_write = lambda _method, path: shop.lease(0.0) if path.endswith(f"leases/{LEASE}") else None
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.now >= 1060))
        assert await added(shop, client) == ()
    assert shop.weights == UNTOUCHED
    assert shop.holder.startswith(ANNA)


async def test_two_watchdogs_roll_back_once() -> None:
    shop = Unattended()
    async with shop.api.client() as client:
        pair = [shop.watchdog(client, pid=pid, until=lambda: shop.weights == BACK) for pid in (1, 2)]
        await asyncio.gather(*map(watched, pair))
        entries = await added(shop, client)
    assert [entry.kind for entry in entries] == ROLLED_BACK


async def test_what_a_watchdog_that_was_killed_has_begun_the_next_one_ends() -> None:
    half = at_25().add(Kind.STOLEN, by="watchdog@node pid 1", **{"from": ANNA, "reason": "its runner has died"})
    half.add(Kind.REQUESTED, by="watchdog@node pid 1", what="rollback", reason="its runner has died")
    intent = {"from": UNTOUCHED, "to": BACK, "reason": "its runner has died"}
    half.add(Kind.INTENT, by="watchdog@node pid 1", step=1, action="rollback", resource_version="7", **intent)
    shop = Unattended(half)
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.weights == BACK))
        entries = await added(shop, client, half)
    assert (entries[-1].kind, entries[-1].facts["outcome"]) == (Kind.ENDED, "rolled-back")


async def test_a_run_without_a_holder_that_nobody_has_ended_is_rolled_back_too() -> None:
    shop = Unattended()
    shop.lease(0.0, holder="")
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.weights == BACK))


async def test_little_traffic_may_be_held_where_the_plan_says_so() -> None:
    story = Story().started(plan=Plan(on_death="hold").model_dump(mode="json")).shifted(0, 10)
    shop = Unattended(story, weight=10)
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=lambda: shop.now >= 1040))
        entries = await added(shop, client, story)
    assert [entry.kind for entry in entries] == [Kind.STOLEN, Kind.REQUESTED, Kind.PAUSED]
    assert (shop.weights, shop.holder) == ({"v1": 90, "v2": 10}, "")


async def test_a_paused_run_is_left_as_it_is_and_its_own_watchdog_ends() -> None:
    paused = at_25().add(Kind.PAUSED, reason="lunch")
    shop = Unattended(paused)
    shop.lease(0.0, holder="")
    async with shop.api.client() as client:
        await shop.watchdog(client, SERVICE).watch()
        assert await added(shop, client, paused) == ()
        assert await claims(client, SERVICE) == {}
    assert shop.weights == UNTOUCHED


async def test_a_watchdog_of_one_service_ends_when_the_run_has_ended() -> None:
    shop = Unattended(promoted(), weight=100)
    async with shop.api.client() as client:
        await shop.watchdog(client, SERVICE).watch()
    assert shop.weights == {"v1": 0, "v2": 100}


async def test_a_watchdog_that_nobody_needs_ends() -> None:
    shop = Unattended()
    for plural in ("leases", "configmaps"):
        del shop.api.objects[plural, LEASE]
    began = shop.now
    async with shop.api.client() as client:
        await shop.watchdog(client, SERVICE).watch()
    assert shop.now - began <= 40


async def test_it_stays_when_a_run_begins_while_it_says_that_it_is_going() -> None:
    shop = Unattended(promoted(), weight=100)

    def somebody_begins(_method: str, path: str) -> None:
        body = shop.api.written[-1][2]
        if "watchdog-canary" in path and not body["spec"]["holderIdentity"]:
            shop.lease(0.0)

    shop.api.before_write = somebody_begins
    shop.renews = True
    async with shop.api.client() as client:
        await watched(shop.watchdog(client, SERVICE, until=lambda: shop.now >= 1060))
        assert list(await claims(client, SERVICE)) == ["watchdog-canary-catalog"]


async def test_it_goes_on_when_the_api_server_refuses_for_a_while() -> None:
    shop = Unattended()
    shop.api.objects["virtualservices", "elsewhere"] = shop.api.objects.pop(("virtualservices", SERVICE))

    def mended() -> bool:
        if shop.now >= 1050 and ("virtualservices", "elsewhere") in shop.api.objects:
            shop.api.objects["virtualservices", SERVICE] = shop.api.objects.pop(("virtualservices", "elsewhere"))
        return shop.now >= 1050 and shop.weights == BACK

    async with shop.api.client() as client:
        await watched(shop.watchdog(client, until=mended))
        assert kinds(await shop.entries(client), len(at_25().entries)) == ROLLED_BACK
