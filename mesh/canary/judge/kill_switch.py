"""Is it a disaster, for which no test is waited for?"""

from __future__ import annotations

from collections.abc import Sequence

from mesh.canary.judge.error_evidence import Bad
from mesh.canary.plan import KillSwitch


def tripped(steps: Sequence[Bad], switch: KillSwitch) -> bool:
    """Whether the canary has had that many errors in the run, and that many times what the baseline's ratios expect.

    Each step is compared with the baseline of its own time, so that an incident of both is none of the canary's. The
    whole run counts, so that a burst at the beginning of a step is not a disaster.
    """
    errors = sum(step.canary for step in steps)
    # One more error than the baseline has: a ratio of nothing is a small one, not zero.
    expected = sum((step.baseline + 1) / (step.baseline_of + 1) * step.canary_of for step in steps)
    return errors >= switch.errors and errors >= switch.times * expected
