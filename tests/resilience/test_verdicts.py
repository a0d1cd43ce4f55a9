import pytest
from grpc import StatusCode

from mesh.resilience.verdicts import RETRIED_BY_DEFAULT, RETRYABLE, VERDICTS, Canary, Health, Retry

BUSINESS = [
    StatusCode.INVALID_ARGUMENT,
    StatusCode.NOT_FOUND,
    StatusCode.ALREADY_EXISTS,
    StatusCode.PERMISSION_DENIED,
    StatusCode.UNAUTHENTICATED,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.OUT_OF_RANGE,
    StatusCode.UNIMPLEMENTED,
    StatusCode.ABORTED,
]


def test_every_status_has_a_verdict() -> None:
    assert set(VERDICTS) == set(StatusCode)


@pytest.mark.parametrize("code", BUSINESS)
def test_a_business_code_is_healthy_and_never_retried(code: StatusCode) -> None:
    assert VERDICTS[code][:2] == (Retry.NEVER, Health.HEALTHY)


def test_retried_by_default_are_only_these() -> None:
    expected = {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED}
    assert expected == RETRIED_BY_DEFAULT


def test_a_policy_may_add_what_might_be_a_passing_fault() -> None:
    assert {StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.DATA_LOSS} == RETRYABLE - RETRIED_BY_DEFAULT


def test_failures_are_these() -> None:
    failed = {code for code, verdict in VERDICTS.items() if verdict.health is Health.FAILED}
    assert failed == {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.CANCELLED,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.DATA_LOSS,
    }


def test_quota_is_neutral() -> None:
    assert VERDICTS[StatusCode.RESOURCE_EXHAUSTED] == (Retry.IF_TOLD, Health.NEUTRAL, Canary.APART)


def test_what_speaks_against_a_version_is_every_failure_and_what_it_has_forgotten_to_implement() -> None:
    failed = {code for code, verdict in VERDICTS.items() if verdict.health is Health.FAILED}
    bad = {code for code, verdict in VERDICTS.items() if verdict.canary is Canary.BAD}
    assert bad == failed | {StatusCode.UNIMPLEMENTED}


def test_an_answer_to_a_callers_mistake_speaks_against_no_version() -> None:
    of_callers = {code for code, verdict in VERDICTS.items() if verdict.canary is Canary.CALLERS}
    assert of_callers == {*BUSINESS} - {StatusCode.UNIMPLEMENTED}
