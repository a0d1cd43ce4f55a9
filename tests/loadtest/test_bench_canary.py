"""The bench counts from the decision, and reads out of a sidecar what it gives the canary."""

import pytest

from loadtest.bench.canary import Found, decision, objects, rows, share
from loadtest.bench.row import BenchUnavailable
from mesh.canary.journal.entry import Entry, Kind


def route(canary: int) -> dict[str, object]:
    clusters = {"v1": 100 - canary, "v2": canary}
    names = {version: f"outbound|50051|{version}|catalog.shop.svc.cluster.local" for version in clusters}
    weighted = [{"name": names[version], "weight": weight} for version, weight in clusters.items()]
    return {"configs": [{"routes": [{"route": {"weighted_clusters": {"clusters": weighted}}}]}]}


@pytest.mark.parametrize("weight", [0, 25])
def test_the_weight_is_found_wherever_it_stands_in_a_dump(weight: int) -> None:
    assert sum(share(each) for each in objects(route(weight))) == weight


def test_a_plain_route_to_the_canary_is_no_weight() -> None:
    header_rule = {"route": {"cluster": "outbound|50051|v2|catalog.shop.svc.cluster.local"}}
    assert [each for each in objects(header_rule) if share(each)] == []


def entry(kind: Kind, **facts: object) -> Entry:
    return Entry.after(None, at=1.0, run="r", kind=kind, by="somebody", facts=facts)


def test_the_decision_is_the_first_verdict_that_rolls_back() -> None:
    fine = entry(Kind.JUDGED, outcome="better-or-equal", kill=False)
    worse, killed = entry(Kind.JUDGED, outcome="worse", kill=False), entry(Kind.JUDGED, outcome="worse", kill=True)
    assert decision([fine]) is None
    assert decision([fine, worse, killed]) is worse


@pytest.mark.parametrize("kind", [Kind.ENDED, Kind.PAUSED])
def test_a_run_that_ends_without_one_measures_nothing(kind: Kind) -> None:
    with pytest.raises(BenchUnavailable, match="not found out"):
        decision([entry(kind, reason="promoted")])


def test_each_promise_has_a_row_that_can_fail() -> None:
    held = rows(Found(seconds=40, weight=10, memory=90, processor=2), [100, 200, 900])
    assert all(row.holds for row in held)
    broken = rows(Found(seconds=61, weight=50, memory=151, processor=6), [501, 600, 100])
    assert [row.name for row in broken if row.target and row.holds] == []
