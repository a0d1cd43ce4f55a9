"""Is the canary slower? Counted, as errors are: requests that take longer than the baseline's quantiles.

For each level, slow is what takes more than `slower` times the quantile that the baseline has had so far, rounded up to
a bound of the histogram: bounds are all that a sidecar tells. By the quantile's own meaning the canary is allowed the
share 1 - level, or as many as the baseline has in the same block, whichever is more. Then the same two tests are asked
as about errors. Chosen before the block is seen, a bound cannot favour anybody.

The median finds what is slower throughout, the tail what is slower now and then.
"""

from __future__ import annotations

import bisect

from mesh.canary.judge.counts import BOUNDS, Block, Histogram
from mesh.canary.judge.error_evidence import NONE, Bad

LEVELS = (0.5, 0.9, 0.99)


def slow(block: Block, baseline_before: Histogram, slower: float) -> tuple[Bad, ...]:
    """How many were slow, for each of LEVELS; none before the baseline has a history."""
    if not baseline_before.total:
        return (NONE,) * len(LEVELS)
    return tuple(_slow(block, _bound(baseline_before, level, slower), 1 - level) for level in LEVELS)


def _bound(baseline: Histogram, level: float, slower: float) -> float:
    place = bisect.bisect_left(BOUNDS, baseline.quantile(level) * slower)
    return BOUNDS[min(place, len(BOUNDS) - 1)]


def _slow(block: Block, bound: float, allowed: float) -> Bad:
    canary, baseline = block.canary.latency, block.baseline.latency
    return Bad(canary.above(bound), canary.total, max(baseline.above(bound), allowed * baseline.total), baseline.total)
