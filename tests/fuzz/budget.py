"""How long does the fuzz go on, and where does chance begin? The same in every run, unless somebody asks for more.

FUZZ_EXAMPLES=40    examples for each RPC and each route; `make fuzz` gives many more
FUZZ_SEED=6         another seed finds other things
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
SEED = int(os.environ.get("FUZZ_SEED", "6"))
LONGEST = 15.0 * max(EXAMPLES, 40)  # seconds for a test that asks for them at every route, on a busy machine


def fuzzed(test: Callable[..., Any]) -> Callable[..., Any]:
    """`test`, which hypothesis.given has wrapped, with this budget. Nothing is kept from one run to the next."""
    budget = hypothesis.settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return hypothesis.seed(SEED)(budget(test))
