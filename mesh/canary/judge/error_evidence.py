"""Has the canary more errors than its share? A mixture e-process over requests, against the concurrent baseline.

If the canary is no worse, each error belongs to it with the probability q that any request does. If its error ratio
is r times the baseline's, with r q / (1 - q + r q). The likelihood ratio of the two, multiplied over all errors and
averaged over a grid of r, is an e-process: whenever one looks, it exceeds 1 / alpha with a chance of at most alpha
(Ville's inequality). q is taken anew for each block, so weights may change and an outage of both versions cancels.

What is assumed: errors are independent of each other. They are not when they come in bursts: see burst_evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

RATIOS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""How many times worse the canary may be: the alternatives, all equally likely beforehand."""

Logs = tuple[float, ...]
"""The logarithm of the likelihood ratio of each of RATIOS."""

NO_EVIDENCE: Logs = (0.0,) * len(RATIOS)

MOST = 1e9  # larger e-values are not told apart: they are numbers in a journal


@dataclass(frozen=True, slots=True)
class Bad:
    """How many requests of each version were bad (failed, or slow), out of how many."""

    canary: float = 0
    canary_of: int = 0
    baseline: float = 0
    baseline_of: int = 0

    @property
    def share(self) -> float:
        """The canary's share of all requests; 0 when there were none."""
        return self.canary_of / max(1, self.canary_of + self.baseline_of)

    def __add__(self, other: Bad) -> Bad:
        return Bad(
            self.canary + other.canary,
            self.canary_of + other.canary_of,
            self.baseline + other.baseline,
            self.baseline_of + other.baseline_of,
        )


NONE = Bad()


def logs(bad: Bad) -> Logs:
    """How much the bad requests of one block speak for each of RATIOS."""
    both = bad.canary + bad.baseline
    return tuple(bad.canary * math.log(r) - both * math.log1p(bad.share * (r - 1)) for r in RATIOS)


def e_value(evidence: Logs) -> float:
    """The mean of the likelihood ratios: the factor by which the data speak against "no worse"."""
    return sum(_bounded(log) for log in evidence) / len(evidence)


def equality(strata: Iterable[Bad], excess: float) -> float:
    """How much likelier the canary's counts are if it is as good as the baseline than if `excess` more are bad.

    As counts of rare events (Poisson), with the baseline's own ratio of each stratum taken as known. Without one bad
    request it is exp(excess * requests): the rule of three, at a confidence of one's choice.
    """
    log = 0.0
    for bad in strata:
        usual = (bad.baseline + 0.5) / (bad.baseline_of + 1)
        log += excess * bad.canary_of - bad.canary * math.log1p(excess / usual)
    return _bounded(log)


def _bounded(log: float) -> float:
    return math.exp(min(log, math.log(MOST)))
