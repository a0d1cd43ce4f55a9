"""When does each rule roll back? The judge's two tests, and what people use instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mesh.canary.judge import burst_evidence, error_evidence
from mesh.canary.judge.error_evidence import Bad, Logs
from mesh.canary.judge.weighing import QUESTIONS
from mesh.canary.plan import Rules
from mesh.canary.simulation.traffic import LOOKS, Drawn

Looks: TypeAlias = NDArray[np.bool_]
"""For each run and look: would the rule roll back here?"""

_LIMIT = 0.01
_STRIKES = 5
_Z = 1.645  # p < 0.05, one-sided
_ALPHA, _BETA, _RATIO = 0.01, 0.05, 2.0


def any_minute(drawn: Drawn) -> Looks:
    """More than 1 % of the canary's requests failed in one minute."""
    return drawn.canary > _LIMIT * drawn.canary_of


def strikes(drawn: Drawn) -> Looks:
    """The same in five minutes, not necessarily in a row."""
    return np.cumsum(any_minute(drawn), axis=1) >= _STRIKES


def z_test(drawn: Drawn) -> Looks:
    """Two proportions differ at the 5 % level, looked at every minute."""
    canary, baseline = np.cumsum(drawn.canary, axis=1), np.cumsum(drawn.baseline, axis=1)
    canary_of, baseline_of = np.cumsum(drawn.canary_of, axis=1), np.cumsum(drawn.baseline_of, axis=1)
    pooled = (canary + baseline) / (canary_of + baseline_of)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / canary_of + 1 / baseline_of))
    return canary / canary_of - baseline / baseline_of > _Z * np.where(spread > 0, spread, np.inf)


def sprt(drawn: Drawn) -> Looks:
    """Wald's test of "twice as many errors", which also accepts and is done."""
    share = drawn.canary_of / (drawn.canary_of + drawn.baseline_of)
    step = drawn.canary * math.log(_RATIO) - (drawn.canary + drawn.baseline) * np.log1p(share * (_RATIO - 1))
    log = np.cumsum(step, axis=1)
    accepted = np.logical_or.accumulate(log <= math.log(_BETA / (1 - _ALPHA)), axis=1)
    return (log >= math.log((1 - _BETA) / _ALPHA)) & ~accepted


def by_request(drawn: Drawn) -> Looks:
    """The judge's e-process over requests alone, at alpha."""
    return _e_values(drawn, error_evidence.logs) >= 1 / Rules().alpha


def judged(drawn: Drawn) -> Looks:
    """What the judge does about errors: both e-processes at its own thresholds, or the kill switch."""
    alpha = Rules().alpha
    worse = (_e_values(drawn, error_evidence.logs) >= QUESTIONS / alpha) & (
        _e_values(drawn, burst_evidence.logs) >= 1 / alpha
    )
    return worse | _killed(drawn)


CONTENDERS: Mapping[str, Callable[[Drawn], Looks]] = MappingProxyType(
    {
        "> 1 % in any minute": any_minute,
        "> 1 %, 5 strikes (Flagger-like)": strikes,
        "z-test p < .05, every minute": z_test,
        "SPRT on errors, r = 2": sprt,
        "e-process over requests only": by_request,
        "**Argosy's judge**": judged,
    }
)


def _killed(drawn: Drawn) -> Looks:
    """The judge's kill switch: its sum over the steps, done for all runs at once."""
    switch = Rules().kill_switch
    canary, canary_of, baseline, baseline_of = (
        np.cumsum(one.reshape(len(one), -1, LOOKS), axis=2)
        for one in (drawn.canary, drawn.canary_of, drawn.baseline, drawn.baseline_of)
    )
    expected = (baseline + 1) / (baseline_of + 1) * canary_of
    errors, usual = (_with_earlier_steps(one) for one in (canary, expected))
    return np.asarray((errors >= switch.errors) & (errors >= switch.times * usual))


def _with_earlier_steps(by_step: NDArray[Any]) -> NDArray[Any]:
    """Of sums that begin anew with each step (runs, steps, looks), the sums over the run (runs, looks)."""
    before = np.cumsum(by_step[:, :, -1], axis=1) - by_step[:, :, -1]
    return np.asarray((by_step + before[:, :, None]).reshape(len(by_step), -1))


def _e_values(drawn: Drawn, logs: Callable[[Bad], Logs]) -> NDArray[np.float64]:
    """The judge's own function, asked once for each kind of block that occurs."""
    requests = drawn.canary_of + drawn.baseline_of
    # As if routed in tens: far fewer kinds of blocks, and a share that is wrong by a hundredth of itself.
    canary_of = np.rint(drawn.canary_of / 10).astype(int) * 10
    columns = np.stack([drawn.canary, canary_of, drawn.baseline, requests - canary_of], axis=-1).reshape(-1, 4)
    kinds, kind = np.unique(columns, axis=0, return_inverse=True)
    values = np.array([logs(Bad(*map(int, one))) for one in kinds])
    total = np.cumsum(values[kind].reshape(*drawn.canary.shape, -1), axis=1)
    return np.asarray(np.exp(np.minimum(total, math.log(error_evidence.MOST))).mean(axis=-1))
