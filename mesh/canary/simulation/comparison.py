"""Which rule is wrong how often? The table of all contenders and all cases."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from mesh.canary.simulation.contenders import CONTENDERS
from mesh.canary.simulation.traffic import CASES, Case, Drawn, draw


@dataclass(frozen=True)
class Cell:
    """What one rule did in one case."""

    rule: str
    case: Case
    rolled_back: float  # share of the runs
    minute: float  # the median one of those that were rolled back; 0 if none
    errors: float  # what the canary had answered wrongly until then; the median
    until: NDArray[np.float64]  # share rolled back until each look

    def __str__(self) -> str:
        share = f"{self.rolled_back:.3f}"
        if self.case.identical:
            return share
        return f"{share} @{self.minute:.0f}, {self.errors:.0f}"


def compare(runs: int, seed: int) -> list[Cell]:
    """Every case, drawn once and given to every rule; on all cores."""
    seeds = np.random.SeedSequence(seed).spawn(len(CASES))
    with ProcessPoolExecutor() as processes:
        return list(chain.from_iterable(processes.map(_all_rules, CASES, repeat(runs), seeds)))


def _all_rules(case: Case, runs: int, seed: np.random.SeedSequence) -> list[Cell]:
    drawn = draw(case, runs, np.random.default_rng(seed))
    return [_cell(rule, case, drawn) for rule in CONTENDERS]


def _cell(rule: str, case: Case, drawn: Drawn) -> Cell:
    hit = np.logical_or.accumulate(CONTENDERS[rule](drawn), axis=1)
    back = hit[:, -1]
    first = hit[back].argmax(axis=1)
    served = np.cumsum(drawn.canary[back], axis=1)[np.arange(len(first)), first]
    return Cell(
        rule,
        case,
        float(back.mean()),
        float(np.median(first) + 1) if len(first) else 0.0,
        float(np.median(served)) if len(served) else 0.0,
        np.asarray(hit.mean(axis=0)),
    )
