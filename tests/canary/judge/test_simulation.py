"""The simulation, small: `make canary-simulation` is the large one. Its numbers are in docs/canary-statistics.md."""

from __future__ import annotations

import numpy as np
import pytest

from mesh.canary.plan import Plan
from mesh.canary.simulation.contenders import any_minute, by_request, judged, strikes, z_test
from mesh.canary.simulation.page import NoSuchMark, filled
from mesh.canary.simulation.release import RELEASES, run
from mesh.canary.simulation.traffic import CASES, Drawn, draw

RUNS = 60


def drawn(name: str) -> Drawn:
    case = next(case for case in CASES if case.name == name)
    return draw(case, RUNS, np.random.default_rng(1))


def outcomes(name: str, runs: int = 8) -> set[str]:
    release = next(release for release in RELEASES if release.name == name)
    random = np.random.default_rng(1)
    return {run(release, Plan(), random).outcome for _ in range(runs)}


def test_rule_31_the_judge_spares_identical_versions_that_simpler_rules_roll_back() -> None:
    same = drawn("A/A 0.5 %")
    assert judged(same).any(axis=1).sum() == 0
    assert any_minute(same).any(axis=1).mean() > 0.5
    assert z_test(same).any(axis=1).mean() > 0.15


def test_the_judge_spares_bursts_that_its_test_over_requests_alone_takes_for_a_difference() -> None:
    bursts = drawn("A/A 0.5 %, bursts (shape 2)")
    assert judged(bursts).any(axis=1).mean() <= 0.02
    assert by_request(bursts).any(axis=1).mean() > 0.1


def test_the_judge_finds_a_tenfold_regression_that_strikes_miss() -> None:
    worse = drawn("0.05 % to 0.5 % (10x)")
    assert judged(worse).any(axis=1).all()
    assert strikes(worse)[:, -1].mean() < 0.5


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("identical, no errors", {"promoted"}),
        ("20 % slower", {"promoted"}),
        ("0.5 % to 5 % (10x)", {"rolled back"}),
        ("three times slower", {"rolled back"}),
    ],
)
def test_a_release_under_the_default_plan_ends_as_it_should(name: str, ends: set[str]) -> None:
    assert outcomes(name) == ends


def test_a_table_is_written_between_its_marks() -> None:
    page = "a\n<!-- rules -->\nold\n<!-- /rules -->\nb\n"
    assert filled(page, "rules", r"new \1") == "a\n<!-- rules -->\nnew \\1\n<!-- /rules -->\nb\n"
    with pytest.raises(NoSuchMark, match="releases"):
        filled(page, "releases", "")
