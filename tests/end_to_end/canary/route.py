"""Where does a service's traffic go, as kubectl shows it?"""

from __future__ import annotations

from typing import Any

from mesh.canary.problems import ROLLED_BACK
from tests.end_to_end.canary.terminal import argosy, kubectl

BASELINE, CANARY = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}


async def rules(service: str) -> list[dict[str, Any]]:
    """The HTTP rules of the service's VirtualService."""
    found = await kubectl("get", "virtualservice", service, "-o", "json")
    http: list[dict[str, Any]] = found.json["spec"]["http"]
    return http


async def weights(service: str) -> dict[str, int]:
    """Those of its primary rule, by version."""
    (primary,) = [rule for rule in await rules(service) if rule.get("name") == "primary"]
    return {each["destination"]["subset"]: each.get("weight", 0) for each in primary["route"]}


async def taken_back(service: str) -> None:
    """Give the baseline everything again, as an operator would after a run has ended."""
    done = await argosy("canary", "rollback", service, "--reason", "the test is over")
    assert done.code == ROLLED_BACK, done.err
    assert await weights(service) == BASELINE
