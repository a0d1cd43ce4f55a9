"""The judge on traffic recorded from the local mesh: catalog v1 and a v2 that is the same, 0.5 % errors in both."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.canary.journal.blocks import block_of
from mesh.canary.judge.counts import BOUNDS, Block, Counts, Histogram
from mesh.canary.judge.verdict import Outcome, conclude
from mesh.canary.judge.weighing import Weighed
from mesh.canary.plan import Plan, Step

RECORDED = Path(__file__).parent / "recorded" / "catalog_identical.jsonl"
PLAN = Plan()
SEEDS = range(20)
PATIENCE = 60  # blocks of a step


def recorded(weight: int) -> list[Block]:
    blocks = [block_of(json.loads(line)) for line in RECORDED.read_text().splitlines()]
    return [block for block in blocks if block.weight == weight]


def released(seed: int, change: Callable[[Counts, random.Random], Counts] = lambda counts, _: counts) -> list[Outcome]:
    """What was said at the end of each step of a release whose blocks are drawn from the recorded ones."""
    draw, weighed, said = random.Random(seed), Weighed(), []  # noqa: S311 - a seed, no secret
    for place, step in enumerate(PLAN.steps):
        weighed, outcome = _step(place, step, weighed, draw, change)
        said.append(outcome)
        if outcome is not Outcome.BETTER_OR_EQUAL:
            break
    return said


def _step(
    place: int, step: Step, weighed: Weighed, draw: random.Random, change: Callable[[Counts, random.Random], Counts]
) -> tuple[Weighed, Outcome]:
    outcome = Outcome.NOT_ENOUGH
    for block in draw.choices(recorded(step.weight), k=PATIENCE):
        changed = replace(block, step=place, canary=change(block.canary, draw))
        weighed = weighed.after(changed, PLAN.rules.slower)
        outcome = conclude(weighed, PLAN.rules, step).outcome
        if outcome is not Outcome.NOT_ENOUGH:
            break
    return weighed, outcome


def ten_times_the_errors(counts: Counts, draw: random.Random) -> Counts:
    more = sum(draw.random() < 0.045 for _ in range(counts.requests))  # 0.5 % are there already
    return replace(counts, errors=min(counts.requests, counts.errors + more))


def three_times_slower(counts: Counts, _: random.Random) -> Counts:
    slower = dict.fromkeys(BOUNDS, 0)
    for bound, count in zip(BOUNDS, counts.latency.counts, strict=False):
        slower[next(at for at in BOUNDS if at >= min(3 * bound, BOUNDS[-1]))] += count
    return replace(counts, latency=Histogram((*slower.values(), counts.latency.counts[-1])))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_identical_version_is_never_rolled_back(seed: int) -> None:
    assert Outcome.WORSE not in released(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_traffic_with_ten_times_the_errors_is_rolled_back(seed: int) -> None:
    assert released(seed, ten_times_the_errors)[-1] is Outcome.WORSE


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_traffic_three_times_slower_is_rolled_back(seed: int) -> None:
    assert released(seed, three_times_slower) == [Outcome.WORSE]
