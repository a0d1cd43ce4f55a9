"""A server's policy that contradicts itself is refused where it is written."""

from typing import Any

import pytest

from mesh.resilience import PolicyInvalid
from mesh.resilience.server_policy import LimitPolicy, Priority, ServerMethodPolicy, ServerPolicy


@pytest.mark.parametrize(
    ("build", "wrong", "problem"),
    [
        (ServerMethodPolicy, {"deadline": 0.0}, "deadline=0.0 must be above 0"),
        (LimitPolicy, {"least": 0}, "1 <= least=0 <= initial="),
        (LimitPolicy, {"least": 5, "initial": 4, "most": 9}, "least=5 <= initial=4 <= most=9 does not hold"),
        (LimitPolicy, {"initial": 10, "most": 9}, "initial=10 <= most=9 does not hold"),
        (LimitPolicy, {"tolerance": 0.9}, "tolerance=0.9 must be at least 1"),
        (LimitPolicy, {"low_share": 0.0}, "0 < low_share=0.0 <= normal_share="),
        (LimitPolicy, {"low_share": 0.9, "normal_share": 0.8}, "low_share=0.9 <= normal_share=0.8 <= 1 does not hold"),
        (LimitPolicy, {"normal_share": 1.1}, "normal_share=1.1 <= 1 does not hold"),
        (ServerPolicy, {"methods": {"GetProduct": ServerMethodPolicy()}}, "'GetProduct' is not of the form /package"),
    ],
)
def test_a_contradiction_is_named(build: Any, wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        build(**wrong)
    assert len(refused.value.problems) == 1
    assert problem in refused.value.problems[0]


@pytest.mark.parametrize(
    ("build", "edge"),
    [
        (ServerMethodPolicy, {}),
        (ServerMethodPolicy, {"deadline": 0.001}),
        (LimitPolicy, {}),
        (LimitPolicy, {"least": 1, "initial": 1, "most": 1, "tolerance": 1.0, "low_share": 1.0, "normal_share": 1.0}),
        (LimitPolicy, {"low_share": 0.01, "normal_share": 0.01}),
        (ServerPolicy, {"methods": {"/t.T/U": ServerMethodPolicy(deadline=1.0)}}),
    ],
)
def test_what_is_just_allowed_is_allowed(build: Any, edge: dict[str, Any]) -> None:
    build(**edge)


def test_an_unknown_method_has_normal_priority_and_no_deadline_of_its_own() -> None:
    written = ServerMethodPolicy(priority=Priority.HIGH, deadline=2.0)
    policy = ServerPolicy(methods={"/t.T/U": written})
    assert policy.method("/t.T/U") == written
    assert policy.method("/t.T/V") == ServerMethodPolicy(deadline=None, priority=Priority.NORMAL)
