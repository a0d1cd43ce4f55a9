"""Does a run come to the right end, through the real API calls, whatever happens to the cluster meanwhile?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from lightkube import ApiError

from mesh.canary.act.problems import Lost
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import Phase, State, Wish, Wished
from mesh.canary.plan import parse
from tests.canary.kubernetes_api import Refusal
from tests.canary.run.shop import LEASES, MAPS, ROUTES, Shop, shop, weights_of

PLAN = parse("{block: 1, steps: [{weight: 10, at_least: 2}, {weight: 50, at_least: 2}]}")
SLOWLY = parse("{block: 1, steps: [{weight: 10, at_least: 600}, {weight: 50, at_least: 600}]}")
AT_50 = parse("{block: 1, steps: [{weight: 50, at_least: 600}]}")
IMPATIENT = parse("{block: 1, steps: [{weight: 10, at_least: 600, max_wait: 12}]}")
BACK = {"v1": 100, "v2": 0}


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path) as made:
        yield made


def _ended(state: State, catalog: Shop) -> tuple[Any, ...]:
    return state.outcome, state.exit_code, catalog.route.weights, catalog.route.header_rule


async def test_a_good_version_goes_step_by_step_to_all_traffic(catalog: Shop) -> None:
    state = await catalog.start(PLAN)
    assert _ended(state, catalog) == ("promoted", 0, {"v1": 0, "v2": 100}, None)
    assert weights_of(catalog.heard.facts(Kind.APPLIED)) == [0, 10, 50, 100, 100]
    assert [facts["share"] for facts in catalog.heard.facts(Kind.OBSERVED)] == [10.0, 50.0]


async def test_a_version_that_fails_more_often_goes_back_at_the_first_step(catalog: Shop) -> None:
    catalog.sidecars.failing = {"v1": 0.002, "v2": 0.2}
    state = await catalog.start(PLAN)
    assert _ended(state, catalog) == ("rolled-back", 10, BACK, None)
    assert max(weights_of(catalog.heard.facts(Kind.APPLIED))) == 10
    assert catalog.heard.facts(Kind.JUDGED)[-1]["outcome"] == "worse"


async def test_an_outage_of_both_versions_rolls_nothing_back(catalog: Shop) -> None:
    catalog.sidecars.failing = {"v1": 0.2, "v2": 0.2}
    state = await catalog.start(IMPATIENT)
    assert state.outcome != "rolled-back"
    assert len(catalog.heard.facts(Kind.JUDGED)) >= 5


async def test_the_warm_up_is_not_judged(catalog: Shop) -> None:
    await catalog.start(PLAN)
    observed = next(entry for entry in catalog.heard.entries if entry.kind is Kind.OBSERVED)
    first = catalog.heard.facts(Kind.BLOCK)[0]
    assert first["at"] - first["seconds"] >= observed.at + PLAN.warm_up * PLAN.block


async def test_no_block_holds_requests_of_two_weights(catalog: Shop) -> None:
    await catalog.start(PLAN)
    for block in catalog.heard.facts(Kind.BLOCK):
        share = block["canary"]["requests"] / (block["canary"]["requests"] + block["baseline"]["requests"])
        assert share == pytest.approx(block["weight"] / 100, abs=0.01)


async def test_a_weight_that_the_proxies_do_not_follow_is_never_judged(catalog: Shop) -> None:
    catalog.sidecars.stuck = {"v1": 100, "v2": 0}
    state = await catalog.start(IMPATIENT)
    assert (state.phase, catalog.route.weights) == (Phase.PAUSED, {"v1": 90, "v2": 10})
    assert "did not follow" in state.reason
    assert not catalog.heard.facts(Kind.BLOCK)


async def test_without_statistics_it_pauses_at_a_safe_weight(catalog: Shop) -> None:
    catalog.time.at(6, lambda: setattr(catalog.sidecars, "silent", True))
    state = await catalog.start(SLOWLY)
    assert (state.phase, catalog.route.weights) == (Phase.PAUSED, {"v1": 90, "v2": 10})
    assert len(catalog.heard.facts(Kind.NODATA)) == SLOWLY.no_data


async def test_without_statistics_it_goes_back_from_more_than_that(catalog: Shop) -> None:
    catalog.time.at(6, lambda: setattr(catalog.sidecars, "silent", True))
    state = await catalog.start(AT_50)
    assert _ended(state, catalog) == ("rolled-back", 10, BACK, None)
    assert "no data" in state.reason


async def test_no_ready_pod_of_the_canary_is_a_reason_to_go_back(catalog: Shop) -> None:
    catalog.time.at(6, lambda: catalog.pods("v2", 0))
    state = await catalog.start(SLOWLY)
    assert _ended(state, catalog) == ("rolled-back", 10, BACK, None)
    assert state.reason == "no pod of catalog v2 is Ready"


async def test_a_crash_loop_is_a_reason_to_go_back(catalog: Shop) -> None:
    catalog.time.at(6, lambda: catalog.pods("v2", 1, waiting="CrashLoopBackOff"))
    state = await catalog.start(SLOWLY)
    assert _ended(state, catalog) == ("rolled-back", 10, BACK, None)
    assert state.reason == "catalog-v2-1: CrashLoopBackOff"


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_version_replaced_under_the_run_makes_it_void(catalog: Shop, version: str) -> None:
    catalog.time.at(6, lambda: catalog.pods(version, 2, image="argosy:2"))
    state = await catalog.start(SLOWLY, images={"v1": "argosy:1", "v2": "argosy:1"})
    assert state.outcome == "rolled-back"
    assert f"{version} has been replaced" in state.reason


async def test_a_weight_edited_by_hand_is_left_alone(catalog: Shop) -> None:
    catalog.time.at(6, lambda: _set_by_hand(catalog, 70, 30))
    state = await catalog.start(SLOWLY)
    assert (state.outcome, state.exit_code) == ("drifted", 20)
    assert catalog.route.weights == {"v1": 70, "v2": 30}


async def test_a_fault_that_somebody_injects_meanwhile_is_no_drift(catalog: Shop) -> None:
    fault = {"name": "fault", "route": [{"destination": {"host": "catalog", "subset": "v1"}}]}
    catalog.time.at(
        4, lambda: catalog.api.edit(ROUTES, "catalog", lambda route: route["spec"]["http"].insert(0, fault))
    )
    assert (await catalog.start(PLAN)).outcome == "promoted"
    assert catalog.route.rules[0] == fault


async def test_an_api_server_that_goes_away_is_waited_for(catalog: Shop) -> None:
    catalog.time.at(4, lambda: _refuse_for(catalog, 5, HTTPStatus.SERVICE_UNAVAILABLE))
    assert (await catalog.start(PLAN)).outcome == "promoted"
    refused = [path for method, path, _ in catalog.api.written if method == "PATCH" and "configmaps" in path]
    assert len(refused) > len(catalog.heard.entries), "or nothing was refused"
    numbers = [entry.n for entry in catalog.heard.entries]
    assert numbers == list(range(1, len(numbers) + 1)), "each entry is heard once"


async def test_a_ctrl_c_while_the_api_server_is_away_is_done_when_it_is_back(catalog: Shop) -> None:
    def away() -> None:
        catalog.place.bell.ring(Wished(Wish.PAUSE, "anna@laptop pid 1", "Ctrl-C"))
        _refuse_for(catalog, 5, HTTPStatus.SERVICE_UNAVAILABLE)

    catalog.time.at(6, away)
    state = await catalog.start(SLOWLY)
    assert (state.phase, catalog.heard.kinds[-2:]) == (Phase.PAUSED, [Kind.REQUESTED, Kind.PAUSED])


async def test_what_the_api_server_forbids_is_not_tried_for_ever(catalog: Shop) -> None:
    catalog.time.at(4, lambda: _refuse_for(catalog, 5, HTTPStatus.FORBIDDEN))
    with pytest.raises(ApiError, match="refused"):
        await catalog.start(PLAN)


async def test_who_has_lost_the_lease_writes_nothing_any_more(catalog: Shop) -> None:
    def steal(lease: dict[str, Any]) -> None:
        lease["spec"]["holderIdentity"] = "berta@desk pid 9 run r1"

    catalog.time.at(6, lambda: catalog.api.edit(LEASES, "canary-catalog", steal))
    with pytest.raises(Lost, match="berta"):
        await catalog.start(SLOWLY)
    assert catalog.route.weights == {"v1": 90, "v2": 10}
    assert catalog.api.objects[LEASES, "canary-catalog"]["spec"]["holderIdentity"] == "berta@desk pid 9 run r1"


async def test_without_a_watchdog_it_stops_below_the_weight_that_needs_one(catalog: Shop) -> None:
    catalog.watchdog.name = None
    state = await catalog.start(PLAN)
    assert (state.phase, catalog.route.weights) == (Phase.PAUSED, {"v1": 90, "v2": 10})
    assert "watchdog" in state.reason


async def test_unattended_it_goes_on_without_one(catalog: Shop) -> None:
    catalog.watchdog.name = None
    assert (await catalog.start(PLAN, unattended=True)).outcome == "promoted"


@pytest.mark.parametrize(
    ("wish", "weights"),
    [(Wish.ROLL_BACK, BACK), (Wish.PROMOTE, {"v1": 0, "v2": 100}), (Wish.PAUSE, {"v1": 90, "v2": 10})],
)
async def test_what_its_own_operator_asks_for_is_done_and_signed(
    catalog: Shop, wish: Wish, weights: dict[str, int]
) -> None:
    catalog.time.at(6, lambda: catalog.place.bell.ring(Wished(wish, "anna@laptop pid 1", "because")))
    state = await catalog.start(SLOWLY)
    assert catalog.route.weights == weights
    assert state.reason.startswith("anna@laptop pid 1 asked to")


async def test_the_journal_in_the_cluster_and_on_disk_are_what_was_heard(catalog: Shop, tmp_path: Path) -> None:
    await catalog.start(PLAN)
    kept = await catalog.place.journals.read("r1")
    assert kept
    assert list(kept.entries) == catalog.heard.entries
    lines = (tmp_path / "r1.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Entry.parse(line) for line in lines] == catalog.heard.entries
    assert (MAPS, "canary-catalog") not in catalog.api.objects


async def test_every_weight_is_announced_before_it_is_written(catalog: Shop) -> None:
    """Negative control for a resume: an intent that comes after its write would be worth nothing."""
    seen: list[tuple[int, int]] = []

    def look(method: str, path: str) -> None:
        if method == "PATCH" and ROUTES in path:
            seen.append((catalog.heard.entries[-1].n, catalog.route.weights["v2"]))

    catalog.api.before_write = look
    await catalog.start(PLAN)
    intents = [entry for entry in catalog.heard.entries if entry.kind is Kind.INTENT]
    assert [number for number, _ in seen] == [entry.n for entry in intents]
    assert [before for _, before in seen] == [entry.facts["from"]["v2"] for entry in intents]


async def test_a_full_disk_here_ends_no_run_there(catalog: Shop, tmp_path: Path) -> None:
    (tmp_path / "r1.jsonl").mkdir()
    assert (await catalog.start(PLAN)).outcome == "promoted"


def _set_by_hand(catalog: Shop, *weights: int) -> None:
    def edit(document: dict[str, Any]) -> None:
        rule = next(rule for rule in document["spec"]["http"] if rule["name"] == "primary")
        for destination, weight in zip(rule["route"], weights, strict=True):
            destination["weight"] = weight

    catalog.api.edit(ROUTES, "catalog", edit)


def _refuse_for(catalog: Shop, seconds: float, code: HTTPStatus) -> None:
    def refuse(_method: str, _path: str) -> None:
        raise Refusal(code, "refused")

    catalog.api.before_write = refuse
    catalog.time.at(seconds, lambda: setattr(catalog.api, "before_write", lambda _method, _path: None))
