"""Identical versions are never told apart, however often the traffic between them is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from loadtest.canary_run import following
from loadtest.shopper import Shopper
from mesh.canary.journal.blocks import block_of
from mesh.canary.journal.entry import Kind
from mesh.canary.judge.counts import Block
from mesh.canary.judge.verdict import Outcome, judge
from mesh.canary.plan import Rules, Step
from mesh.canary.problems import ROLLED_BACK
from tests.end_to_end.canary.customers import shopping
from tests.end_to_end.canary.terminal import argosy

RECORDED, REPETITIONS, LENGTH = 40, 20, 60  # blocks, and how often so many of them are judged
PLAN = """
steps:
- weight: 50
  at_least: 600
block: 1
"""


@pytest.fixture
def half(tmp_path: Path) -> tuple[str, str]:
    """The options of a plan that gives either version half, for as long as one likes."""
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    return "--plan", str(plan)


@pytest.mark.proof("the traffic of a minute is recorded")
async def test_an_identical_version_is_never_rolled_back_on_recorded_traffic(
    shopper: Shopper, half: tuple[str, str]
) -> None:
    async with shopping(shopper), following("start", "catalog", *half) as run:
        while len(run.of(Kind.BLOCK)) < RECORDED:
            await run.another()
        await argosy("canary", "rollback", "catalog", "--reason", "recorded enough")
        assert await run.end() == ROLLED_BACK
    recorded = [block_of(entry.facts) for entry in run.of(Kind.BLOCK)]
    for seed in range(REPETITIONS):
        blocks = repetition(recorded, Random(seed))  # noqa: S311 - a draw, no secret
        outcomes = {judge(blocks[:seen], Rules(), Step(weight=50)).outcome for seen in range(1, LENGTH + 1)}
        assert Outcome.WORSE not in outcomes, seed


def repetition(recorded: list[Block], random: Random) -> list[Block]:
    """Blocks drawn from those recorded; in each either version may stand for the canary, for both are the same."""
    drawn = random.choices(recorded, k=LENGTH)
    return [random.choice((each, swapped(each))) for each in drawn]


def swapped(block: Block) -> Block:
    return replace(block, baseline=block.canary, canary=block.baseline)
