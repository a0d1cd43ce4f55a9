"""A good version is promoted, a worse one goes back, and an outage of both is nobody's fault. Under real load."""

from __future__ import annotations

import pytest

from loadtest.canary_run import following
from loadtest.server_fault import failing, slowed
from loadtest.shopper import Shopper
from mesh.canary.journal.blocks import block_of
from mesh.canary.journal.entry import Kind, verified
from mesh.canary.problems import INCONCLUSIVE, PROMOTED, ROLLED_BACK
from mesh.running_shop import Shop
from tests.end_to_end.canary.customers import shopping
from tests.end_to_end.canary.route import BASELINE, CANARY, taken_back, weights

GET = "/shop.catalog.v1.CatalogService/GetProduct"
OUTAGE_BLOCKS = 8


@pytest.mark.proof("the guide promotes one as well")
async def test_a_good_version_is_promoted_and_taken_back_without_a_lost_request(
    shopper: Shopper, quick: tuple[str, str]
) -> None:
    async with shopping(shopper) as customers:
        async with following("start", "catalog", *quick) as run:
            assert await run.end() == PROMOTED, run.said
        assert await weights("catalog") == CANARY
        await taken_back("catalog")
    assert customers.turned_away == []
    assert customers.answered_by["v2"] > 0
    verified(run.entries)
    shares = [entry.facts["weights"]["v2"] for entry in run.of(Kind.APPLIED)]
    assert shares == sorted(shares)
    assert set(shares) >= {20, 50, 100}


@pytest.mark.proof("with the default plan a tenfold error rate takes minutes to be seen at 40 orders a second")
async def test_payments_with_two_percent_of_errors_go_back_at_the_first_steps(shop: Shop, shopper: Shopper) -> None:
    async with (
        shop.variables("payments-v1", {"FAILURE_RATE": "0.002"}),
        shop.variables("payments-v2", {"FAILURE_RATE": "0.02", "EXTRA_LATENCY": "0"}),
        shopping(shopper, browsing=5, ordering=40),
        following("start", "payments") as run,
    ):
        assert await run.end() == ROLLED_BACK, run.said
        assert await weights("payments") == BASELINE
    assert max(entry.facts["weights"]["v2"] for entry in run.of(Kind.APPLIED)) <= 25


async def test_payments_as_they_are_shipped_go_back_at_the_first_step(shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper, browsing=5, ordering=15), following("start", "payments", *quick) as run:
        assert await run.end() == ROLLED_BACK, run.said
        assert await weights("payments") == BASELINE
    assert max(entry.facts["weights"]["v2"] for entry in run.of(Kind.APPLIED)) == 20


@pytest.mark.proof("the default plan, a minute or two")
async def test_a_version_that_is_only_slower_goes_back(shop: Shop, shopper: Shopper) -> None:
    async with (
        slowed(shop.client, "catalog", [GET], seconds=0.15, percent=4, version="v2"),
        shopping(shopper, browsing=100) as customers,
        following("start", "catalog") as run,
    ):
        assert await run.end() == ROLLED_BACK, run.said
        assert await weights("catalog") == BASELINE
    assert customers.turned_away == []
    assert not any(block_of(entry.facts).canary.errors for entry in run.of(Kind.BLOCK))


@pytest.mark.proof("half a minute of outage")
async def test_an_outage_of_both_versions_rolls_nothing_back(
    shop: Shop, shopper: Shopper, quick: tuple[str, str]
) -> None:
    async with shopping(shopper), following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        async with failing(shop.client, "catalog", [GET], percent=30):
            seen = len(run.of(Kind.BLOCK))
            while len(run.of(Kind.BLOCK)) < seen + OUTAGE_BLOCKS and not run.of(Kind.ENDED):
                await run.another()
        assert await run.end() in {PROMOTED, INCONCLUSIVE}, run.said
        assert not run.of(Kind.INTENT, action="rollback")
        await taken_back("catalog")
