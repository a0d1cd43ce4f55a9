"""What do the blocks so far weigh? The e-processes of a run, block after block.

The whole run counts, not the step alone: a canary that was a little worse at every step is worse. What is asked for
equality is summed up by step, since with the weight the requests may change that the canary gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mesh.canary.judge import burst_evidence, error_evidence, latency_evidence
from mesh.canary.judge.counts import EMPTY, Block, Histogram
from mesh.canary.judge.error_evidence import NO_EVIDENCE, NONE, Bad, Logs, e_value

QUESTIONS = 3
"""Does the canary fail more, refuse more, is it slower? Each may be answered wrongly, so each must be surer."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The two tests of one question, so far."""

    by_request: Logs = NO_EVIDENCE
    by_block: Logs = NO_EVIDENCE

    def after(self, bad: Bad) -> Scale:
        return Scale(_sum(self.by_request, error_evidence.logs(bad)), _sum(self.by_block, burst_evidence.logs(bad)))


BALANCED = Scale()


@dataclass(frozen=True, slots=True)
class Stratum:
    """What one step came to."""

    step: int
    seconds: float = 0.0
    errors: Bad = NONE
    refused: Bad = NONE
    slow: Bad = NONE  # by the highest of the latency's levels
    baseline: Histogram = EMPTY
    canary: Histogram = EMPTY


@dataclass(frozen=True, slots=True)
class Weighed:
    """All evidence of a run's blocks."""

    errors: Scale = BALANCED
    refused: Scale = BALANCED
    slow: tuple[Scale, ...] = (BALANCED,) * len(latency_evidence.LEVELS)
    before: Histogram = EMPTY  # the baseline's latencies of the run
    strata: tuple[Stratum, ...] = ()

    def after(self, block: Block, slower: float) -> Weighed:
        """The same with one block more; `slower` is the tolerance of latency_evidence."""
        canary, baseline = block.canary, block.baseline
        errors = Bad(canary.errors, canary.requests, baseline.errors, baseline.requests)
        refused = Bad(canary.refused, canary.requests, baseline.refused, baseline.requests)
        slow = latency_evidence.slow(block, self.before, slower)
        return Weighed(
            self.errors.after(errors),
            self.refused.after(refused),
            tuple(scale.after(bad) for scale, bad in zip(self.slow, slow, strict=True)),
            self.before + baseline.latency,
            self._strata(block, errors, refused, slow[-1]),
        )

    def _strata(self, block: Block, errors: Bad, refused: Bad, slow: Bad) -> tuple[Stratum, ...]:
        begun = bool(self.strata) and self.strata[-1].step == block.step
        last = self.strata[-1] if begun else Stratum(block.step)
        return (
            *(self.strata[:-1] if begun else self.strata),
            replace(
                last,
                seconds=last.seconds + block.seconds,
                errors=last.errors + errors,
                refused=last.refused + refused,
                slow=last.slow + slow,
                baseline=last.baseline + block.baseline.latency,
                canary=last.canary + block.canary.latency,
            ),
        )


def weigh(blocks: Sequence[Block], slower: float) -> Weighed:
    """All evidence of `blocks`, in their order."""
    weighed = Weighed()
    for block in blocks:
        weighed = weighed.after(block, slower)
    return weighed


def e_values(scales: Sequence[Scale]) -> tuple[float, float]:
    """Over requests and over blocks; of several scales the mean, which is an e-value again."""
    by_request = sum(e_value(scale.by_request) for scale in scales)
    by_block = sum(e_value(scale.by_block) for scale in scales)
    return by_request / len(scales), by_block / len(scales)


def _sum(a: Logs, b: Logs) -> Logs:
    return tuple(x + y for x, y in zip(a, b, strict=True))
