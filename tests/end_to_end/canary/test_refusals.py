"""Two people cannot steer one service, and what somebody else has changed is left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from loadtest.canary_run import following
from loadtest.shopper import Shopper
from mesh.canary.journal.entry import Kind
from mesh.canary.problems import REFUSED, ROLLED_BACK
from tests.end_to_end.canary.customers import shopping
from tests.end_to_end.canary.route import BASELINE, rules, weights
from tests.end_to_end.canary.terminal import argosy, kubectl


async def test_a_second_operator_is_refused_with_the_name_of_the_first(
    shopper: Shopper, quick: tuple[str, str]
) -> None:
    async with shopping(shopper) as customers, following("start", "catalog", *quick) as first:
        started = await first.until(Kind.OBSERVED, step=0)
        second = await argosy("canary", "start", "catalog", *quick)
        assert second.code == REFUSED, second.out + second.err
        assert started.by in second.err
        rolled_back = await argosy("canary", "rollback", "catalog", "--reason", "asked by the second operator")
        assert rolled_back.code == ROLLED_BACK, rolled_back.err
        assert await first.end() == ROLLED_BACK, first.said
        assert await weights("catalog") == BASELINE
    assert customers.turned_away == []


async def test_rollback_now_asks_nobody(shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper) as customers, following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        assert (await argosy("canary", "rollback", "catalog", "--now", "--reason", "fire")).code == ROLLED_BACK
        assert await weights("catalog") == BASELINE
        assert await run.end() == ROLLED_BACK, run.said
    assert customers.turned_away == []


async def test_a_weight_edited_by_kubectl_in_between_is_left_as_it_is(shopper: Shopper, quick: tuple[str, str]) -> None:
    edited = {"v1": 65, "v2": 35}
    async with shopping(shopper) as customers, following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        await edit("catalog", edited)
        assert await run.end() == REFUSED, run.said
        assert await weights("catalog") == edited
        assert [entry.facts["outcome"] for entry in run.of(Kind.ENDED)] == ["drifted"]
        assert (await argosy("canary", "rollback", "catalog", "--now")).code == ROLLED_BACK
    assert customers.turned_away == []


async def test_a_dry_run_changes_nothing(shopper: Shopper, quick: tuple[str, str]) -> None:
    before = await rules("catalog")
    async with shopping(shopper):
        said = await argosy("canary", "start", "catalog", *quick, "--dry-run")
        assert said.code == 0, said.err
        assert await rules("catalog") == before
        assert '"weight"' in said.out or "weight:" in said.out


async def edit(service: str, wanted: Mapping[str, int]) -> None:
    """Change the primary rule's weights as somebody with kubectl would."""
    index = [rule.get("name") for rule in await rules(service)].index("primary")
    route = [{"destination": {"host": service, "subset": name}, "weight": weight} for name, weight in wanted.items()]
    patch = [{"op": "replace", "path": f"/spec/http/{index}/route", "value": route}]
    await kubectl("patch", "virtualservice", service, "--type=json", "-p", json.dumps(patch))
