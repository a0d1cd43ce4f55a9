"""Step 3: does traffic go where the weights say?"""

from __future__ import annotations

from mesh.demo.claims import Check, Step, exactly, within_binomial
from mesh.demo.stage import Stage

SHARES = (10, 50, 100)
CALLS = 300


async def run(stage: Stage) -> list[Check]:
    """Catalog v2 takes 10, 50, 100 % of the calls; who answered is counted at the caller."""
    checks = []
    try:
        for share in SHARES:
            checks += await _shift(stage, share)
    finally:
        await stage.shop.set_weights("catalog", {"v1": 100, "v2": 0})
    return checks


async def _shift(stage: Stage, share: int) -> list[Check]:
    stage.say(f"catalog v1 {100 - share} %, v2 {share} %; {CALLS} calls, 100 per second")
    await stage.shop.set_weights("catalog", {"v1": 100 - share, "v2": share})
    report = await stage.browsing(100).run(calls=CALLS)
    answered = report.versions["v2"]
    return [
        within_binomial(f"answered by v2 at {share} %", answered, CALLS, share / 100),
        exactly(f"failed calls at {share} %", len(report.failures), 0),
    ]


STEP = Step("Canary", "Catalog v2 takes 10, 50 and 100 % of traffic as set, without one failed call.", run)
