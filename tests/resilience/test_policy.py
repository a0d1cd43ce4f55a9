from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from grpc import StatusCode

from mesh.resilience import BreakerPolicy, BudgetPolicy, FallbackPolicy, MethodPolicy, PeerPolicy, PolicyInvalid

LAST_GOOD = FallbackPolicy(kind="last_good")


@pytest.mark.parametrize("build", [MethodPolicy, BreakerPolicy, BudgetPolicy, PeerPolicy])
def test_the_defaults_are_valid(build: Any) -> None:
    build()


@pytest.mark.parametrize(
    ("build", "wrong", "named"),
    [
        (MethodPolicy, {"timeout": 0.0}, "timeout"),
        (MethodPolicy, {"timeout": -1.0}, "timeout"),
        (MethodPolicy, {"timeout": 1.0, "per_try_timeout": 2.0}, "per_try_timeout"),
        (MethodPolicy, {"per_try_timeout": 0.0}, "per_try_timeout"),
        (MethodPolicy, {"per_try_timeout": 0.5, "fair_timeout": 0.6}, "fair_timeout"),
        (MethodPolicy, {"fair_timeout": -0.1}, "fair_timeout"),
        (MethodPolicy, {"attempts": 0}, "attempts"),
        (MethodPolicy, {"attempts": 4}, "attempts"),
        (MethodPolicy, {"retry_on": frozenset({StatusCode.NOT_FOUND})}, "NOT_FOUND"),
        (MethodPolicy, {"retry_on": frozenset({StatusCode.CANCELLED})}, "CANCELLED"),
        (MethodPolicy, {"backoff": 0.0}, "backoff"),
        (MethodPolicy, {"backoff": 2.0, "backoff_limit": 1.0}, "backoff"),
        (MethodPolicy, {"group": ""}, "group"),
        (MethodPolicy, {"fallback": LAST_GOOD}, "fallback"),  # of a method that is not idempotent
        (FallbackPolicy, {"kind": "guess"}, "guess"),
        (FallbackPolicy, {"kind": "last_good", "max_age": 0.0}, "max_age"),
        (FallbackPolicy, {"kind": "last_good", "entries": 0}, "entries"),
        (BreakerPolicy, {"slow_after": 0.0}, "slow_after"),
        (BreakerPolicy, {"slow_rate": 0.0}, "slow_rate"),
        (BreakerPolicy, {"slow_rate": 1.1}, "slow_rate"),
        (BreakerPolicy, {"window": 0.0}, "window"),
        (BreakerPolicy, {"min_calls": 0}, "min_calls"),
        (BreakerPolicy, {"failure_rate": 0.0}, "failure_rate"),
        (BreakerPolicy, {"failure_rate": 1.1}, "failure_rate"),
        (BreakerPolicy, {"open_for": 0.0}, "open_for"),
        (BreakerPolicy, {"open_for": 61.0}, "open_for"),
        (BreakerPolicy, {"jitter": 1.0}, "jitter"),
        (BreakerPolicy, {"jitter": -0.1}, "jitter"),
        (BreakerPolicy, {"trials": 0}, "trials"),
        (BreakerPolicy, {"successes_to_close": 0}, "successes_to_close"),
        (BudgetPolicy, {"ratio": -0.1}, "ratio"),
        (BudgetPolicy, {"ratio": 1.1}, "ratio"),
        (BudgetPolicy, {"floor": -1.0}, "floor"),
        (BudgetPolicy, {"window": 0.0}, "window"),
        (PeerPolicy, {"methods": {"GetProduct": MethodPolicy()}}, "GetProduct"),
        (PeerPolicy, {"default": MethodPolicy(idempotent=True)}, "default"),
        (PeerPolicy, {"bulkhead": 0}, "bulkhead"),
        (PeerPolicy, {"breakers": {"nobody": BreakerPolicy()}}, "nobody"),
    ],
)
def test_a_contradiction_is_named(build: Any, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        build(**wrong)
    assert len(refused.value.problems) == 1
    assert named in refused.value.problems[0]


@pytest.mark.parametrize(
    ("build", "edge"),
    [
        (MethodPolicy, {"idempotent": True, "fallback": LAST_GOOD}),
        (FallbackPolicy, {"kind": "default", "max_age": 0.001, "entries": 1}),
        (BreakerPolicy, {"slow_after": 0.001, "slow_rate": 1.0}),
        (BreakerPolicy, {"window": 0.001, "jitter": 0.0}),
        (BudgetPolicy, {"window": 0.001, "ratio": 0.0, "floor": 0.0}),
        (PeerPolicy, {"bulkhead": 1}),
    ],
)
def test_what_is_just_allowed_is_allowed(build: Any, edge: dict[str, Any]) -> None:
    build(**edge)


@pytest.mark.parametrize(
    ("build", "wrong", "problem"),
    [
        (
            MethodPolicy,
            {"retry_on": frozenset({StatusCode.NOT_FOUND, StatusCode.ABORTED})},
            "retry_on=ABORTED,NOT_FOUND: a second try gets the same answer",
        ),
        (MethodPolicy, {"group": ""}, "group must not be empty"),
        (
            MethodPolicy,
            {"fallback": LAST_GOOD},
            "fallback: a write that was not made must not be answered as if it were",
        ),
        (
            PeerPolicy,
            {"default": MethodPolicy(idempotent=True)},
            "default: a method nobody described cannot be called idempotent",
        ),
    ],
)
def test_a_contradiction_is_explained(build: Any, wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        build(**wrong)
    assert refused.value.problems == (problem,)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(PolicyInvalid) as refused:
        MethodPolicy(timeout=-1.0, attempts=9, group="")
    assert len(refused.value.problems) == 3


def test_a_policy_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        MethodPolicy().timeout = 9.0  # type: ignore[misc]  # that is the point


def test_an_unknown_method_has_a_timeout_and_no_retry() -> None:
    policy = PeerPolicy().method("/t.T/Unknown")
    assert policy.timeout == 5.0
    assert policy.most_attempts == 1


def test_rule_05_a_method_is_not_idempotent_unless_its_policy_says_so() -> None:
    assert MethodPolicy(attempts=3).most_attempts == 1
    assert MethodPolicy(attempts=3, idempotent=True).most_attempts == 3


def test_once_is_the_same_without_a_second_attempt() -> None:
    assert MethodPolicy(timeout=2.0, idempotent=True).once() == MethodPolicy(timeout=2.0, idempotent=True, attempts=1)


def test_without_protection_only_the_deadline_is_left() -> None:
    policy = MethodPolicy(
        timeout=2.0, per_try_timeout=0.5, fair_timeout=0.2, idempotent=True, attempts=2, fallback=LAST_GOOD
    )
    assert policy.unprotected() == MethodPolicy(timeout=2.0, idempotent=True, attempts=1)


def test_who_misspells_a_kind_of_fallback_is_told_those_there_are() -> None:
    with pytest.raises(PolicyInvalid, match=r"kind='guess' must be one of last_good, default$"):
        FallbackPolicy(kind="guess")  # type: ignore[arg-type]  # that is the point


def test_a_fair_attempt_is_50_ms_or_all_a_shorter_policy_gives() -> None:
    assert MethodPolicy().fair == 0.05
    assert MethodPolicy(timeout=0.02).fair == 0.02
    assert MethodPolicy(fair_timeout=0.3).fair == 0.3


def test_groups_come_from_the_methods() -> None:
    policy = PeerPolicy(methods={"/t.T/U": MethodPolicy(group="reads")}, breakers={"reads": BreakerPolicy(min_calls=5)})
    assert policy.groups() == {"default", "reads"}
    assert policy.breaker("reads").min_calls == 5
    assert policy.breaker("default") == BreakerPolicy()
