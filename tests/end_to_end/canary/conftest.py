"""What does every proof of a canary stand on? A shop without one, which is as it was and has its books right after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.end_to_end.canary.route import BASELINE, rules, weights
from tests.end_to_end.canary.terminal import argosy

PLAN = Path(__file__).with_name("plan.yaml")
SERVICES = ("catalog", "payments")


@pytest.fixture(autouse=True)
async def no_canary(cluster: None) -> AsyncIterator[None]:
    """No canary runs before or after, every request goes to the baseline again, and the auditor finds nothing."""
    before = {service: await rules(service) for service in SERVICES}
    assert [await weights(service) for service in SERVICES] == [BASELINE] * len(SERVICES)
    yield
    after = {service: await rules(service) for service in SERVICES}
    for service in SERVICES:
        if after[service] != before[service]:  # the test has failed: what it left must not fail the next one, too
            await argosy("canary", "rollback", service, "--now", "--reason", "a test has left it")
    audit = await argosy("audit", "--json")
    assert audit.code == 0, audit.out + audit.err
    assert audit.json["orders"]["total"] > 0
    assert after == before


@pytest.fixture
def quick() -> tuple[str, str]:
    """The options of a plan that decides in seconds."""
    return "--plan", str(PLAN)
