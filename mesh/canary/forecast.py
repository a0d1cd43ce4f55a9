"""What will each step see, and how long will it take, with the traffic there is? Asked before anything is changed.

Of two versions that are alike: half of all releases take longer. Waiting for the split to be seen comes on top, and
gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mesh.canary.judge.error_evidence import Bad, e_value, equality, logs
from mesh.canary.judge.weighing import QUESTIONS
from mesh.canary.plan import Plan, Step

LONG = 1800.0  # seconds; who waits longer should have been told
_PRECISION = 0.001  # of the smallest visible difference


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the service has now."""

    per_second: float
    error_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What one step comes to, all steps before it included."""

    weight: int
    seconds: float | None  # until it can be left; None: not before its max_wait, it would pause
    canary: int  # requests of each version in the step until then
    baseline: int
    visible: float  # the smallest error ratio of the canary that is expected to be called worse by then; 1.0: none is
    excess: float  # how much more errors are ruled out when the step is left


def forecast(plan: Plan, traffic: Traffic) -> tuple[StepForecast, ...]:
    """What to expect of each step."""
    forecasts: list[StepForecast] = []
    strata: list[Bad] = []
    for place, step in enumerate(plan.steps):
        seconds, now = _decided(plan, traffic, step, strata)
        strata.append(now)
        # The first blocks of a run warm up and are not judged.
        warming = 0.0 if place else plan.warm_up * plan.block
        forecasts.append(
            StepForecast(
                weight=step.weight,
                seconds=None if seconds is None else seconds + warming,
                canary=now.canary_of,
                baseline=now.baseline_of,
                visible=_visible(strata, traffic.error_ratio, QUESTIONS / plan.rules.alpha),
                excess=plan.rules.excess(step)[0],
            )
        )
    return tuple(forecasts)


def total(forecasts: Sequence[StepForecast]) -> float | None:
    """How long the whole release takes; None when one of its steps would pause."""
    seconds = [one.seconds for one in forecasts if one.seconds is not None]
    return sum(seconds) if len(seconds) == len(forecasts) else None


def warnings(plan: Plan, traffic: Traffic, forecasts: Sequence[StepForecast]) -> Iterator[str]:
    """Where the traffic is too small for the plan, a sentence each."""
    if not traffic.per_second:
        yield "there is no traffic: nothing can be judged, every step would pause"
        return
    for step, one in zip(plan.steps, forecasts, strict=True):
        if one.seconds is None:
            yield (
                f"step {step.weight} %: {traffic.per_second:.3g} requests/s with {traffic.error_ratio:.2%} errors"
                f" cannot rule out {one.excess:.2%} more errors within its max_wait of {step.max_wait:.0f} s:"
                " it would pause; allow a larger excess, more time, or wait for more traffic"
            )
    if (seconds := total(forecasts)) is not None and seconds > LONG:
        yield f"at {traffic.per_second:.3g} requests/s the release takes about {seconds / 60:.0f} min"


def _decided(plan: Plan, traffic: Traffic, step: Step, before: list[Bad]) -> tuple[float | None, Bad]:
    """After how many seconds of the step two versions that are alike are called so, and the step's requests then."""
    excess, _, _ = plan.rules.excess(step)
    for blocks in range(1, int(step.max_wait / plan.block) + 1):
        seconds = blocks * plan.block
        now = _expected(traffic, step.weight / 100, seconds)
        if (
            seconds >= step.at_least
            and min(now.canary_of, now.baseline_of) >= plan.rules.minimum_samples
            and equality([*before, now], excess) >= 1 / plan.rules.beta
        ):
            return seconds, now
    return None, _expected(traffic, step.weight / 100, step.max_wait)


def _expected(traffic: Traffic, share: float, seconds: float) -> Bad:
    requests = traffic.per_second * seconds
    canary, baseline = requests * share, requests * (1 - share)
    return Bad(canary * traffic.error_ratio, round(canary), baseline * traffic.error_ratio, round(baseline))


def _visible(strata: Sequence[Bad], usual: float, threshold: float) -> float:
    """By bisection: from which error ratio on the canary's expected errors are evidence enough."""

    def seen(ratio: float) -> bool:
        worse = (Bad(one.canary_of * ratio, one.canary_of, one.baseline, one.baseline_of) for one in strata)
        evidence = tuple(map(sum, zip(*(logs(one) for one in worse), strict=True)))
        return e_value(evidence) >= threshold

    low, high = usual, 1.0
    if not seen(high):
        return 1.0
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
