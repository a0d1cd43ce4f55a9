"""In how many blocks did the canary do worse? One bounded bet a block, so that a burst of errors counts once.

Each block gives one bit: of its errors, did the canary have more than the median of its share? The bit has a known
chance if the canary is no worse, and a known one if it is r times worse, so bits make an e-process as single errors
do (error_evidence). A block with one error says as much as that error; a block with a hundred wins a factor of at most
about two, so that a canary must be worse again and again.

What is assumed: a burst is over within a block, and bursts hit both versions alike. Longer ones still mislead.
"""

from __future__ import annotations

import math
from functools import lru_cache

from mesh.canary.judge.error_evidence import NO_EVIDENCE, RATIOS, Bad, Logs

_HALF = 0.5
_BURST = 2.0  # how much a burst may favour one of the versions in a block
_LEAST = 1e-9  # a bit that was thought impossible is strong evidence, not infinite


def logs(bad: Bad) -> Logs:
    """How much the bit of one block speaks for each of RATIOS; nothing when it has no bad requests."""
    return _logs(int(bad.canary), int(bad.canary) + math.ceil(bad.baseline), bad.share)


@lru_cache(maxsize=4096)  # a run is judged anew after each block, from its first
def _logs(canary: int, both: int, share: float) -> Logs:
    if not both or not 0 < share < 1:
        return NO_EVIDENCE
    more = _above_median(both, share)
    fair = _fair(more, both, share)
    worse = [max(fair, _reached(more, both, _moved(share, r))) for r in RATIOS]
    if canary >= more:
        return tuple(math.log(chance / fair) for chance in worse)
    return tuple(math.log((1 - chance) / (1 - fair)) for chance in worse)


def _fair(more: int, both: int, share: float) -> float:
    """The largest chance of `more` for a canary that is no worse: with a burst, or without. One error is no burst."""
    calm = _reached(more, both, share)
    if more == 1:
        return calm
    favoured, spared = (_reached(more, both, _moved(share, by)) for by in (_BURST, 1 / _BURST))
    return max(calm, (favoured + spared) / 2)


def _above_median(n: int, p: float) -> int:
    """The least count that at most half of all binomial draws reach. A median is less than one from the mean."""
    count = math.floor(n * p) + 1
    while _reached(count, n, p) > _HALF + _LEAST:
        count += 1
    return count


def _reached(count: int, n: int, p: float) -> float:
    """The chance of `count` or more of `n`; never quite 0 or 1."""
    ways = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1) if count <= n else -math.inf
    term = math.exp(ways + count * math.log(p) + (n - count) * math.log1p(-p))  # the chance of exactly `count`
    if not term:  # too far out for a float
        return _LEAST if count > n * p else 1 - _LEAST
    total, odds = 0.0, p / (1 - p)
    for k in range(count, n + 1):
        total += term
        term *= (n - k) / (k + 1) * odds
    return min(max(total, _LEAST), 1 - _LEAST)


def _moved(share: float, r: float) -> float:
    """The chance that a bad request is the canary's when its ratio is r times the baseline's."""
    return r * share / (1 - share + r * share)
