"""What a failed call says about its step: what is not known to be a refusal is not known at all."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from services.orders.error_info import info_of
from services.orders.saga import INTERRUPTED, Outcome, Result, Step
from services.orders.steps import DEPENDENCY, meaning

REFUSED, LOST, UNKNOWN = Result.REFUSED, Outcome(Result.LOST), Outcome(Result.UNKNOWN)
KNOWN = [
    (Step.RESERVE, StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK", Outcome(REFUSED, "OUT_OF_STOCK")),
    (Step.RESERVE, StatusCode.FAILED_PRECONDITION, "", Outcome(REFUSED, "OUT_OF_STOCK")),
    (Step.RESERVE, StatusCode.FAILED_PRECONDITION, "RESERVATION_RELEASED", LOST),
    (Step.RESERVE, StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", Outcome(REFUSED, "INVALID_REQUEST")),
    (Step.RESERVE, StatusCode.NOT_FOUND, "PRODUCT_NEVER_RECEIVED", Outcome(REFUSED, "OUT_OF_STOCK")),
    (Step.CHARGE, StatusCode.FAILED_PRECONDITION, "CARD_EXPIRED", Outcome(REFUSED, "CARD_EXPIRED")),
    (Step.CHARGE, StatusCode.FAILED_PRECONDITION, "CHARGE_VOIDED", Outcome(REFUSED, INTERRUPTED)),
    (Step.CHARGE, StatusCode.FAILED_PRECONDITION, "CHARGE_REFUNDED", Outcome(REFUSED, INTERRUPTED)),
    (Step.CHARGE, StatusCode.INVALID_ARGUMENT, "AMOUNT_TOO_FINE", Outcome(REFUSED, "AMOUNT_TOO_FINE")),
    (Step.CHARGE, StatusCode.ALREADY_EXISTS, "KEY_REUSED", Outcome(Result.CONFLICT)),
    (Step.INQUIRE, StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND", Outcome(Result.ABSENT)),
    (Step.COMMIT, StatusCode.FAILED_PRECONDITION, "RESERVATION_EXPIRED", LOST),
    (Step.COMMIT, StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND", LOST),
]


@pytest.mark.parametrize(("step", "code", "reason", "expected"), KNOWN)
def test_refusals_mean_what_the_contracts_say(step: Step, code: StatusCode, reason: str, expected: Outcome) -> None:
    assert meaning(step, code, reason) == expected


@pytest.mark.parametrize(
    ("said", "available"), [("3", 3), ("0", 0), ("", None), ("many", None), ("-1", None), ("9" * 10, None)]
)
def test_a_refused_reservation_tells_how_many_pieces_there_are(said: str, available: int | None) -> None:
    facts = {"product_id": "amphora", "available": said}
    outcome = meaning(Step.RESERVE, StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK", facts)
    assert outcome == Outcome(REFUSED, "OUT_OF_STOCK", "amphora", available)


def test_every_other_status_of_every_step_means_that_nobody_knows() -> None:
    known = {(step, code) for step, code, _, _ in KNOWN}
    others = {(step, code) for step in Step for code in StatusCode} - known
    assert {meaning(step, code, "") for step, code in others} == {UNKNOWN}


def test_every_step_is_somebodys() -> None:
    assert set(DEPENDENCY) == set(Step)


@pytest.mark.parametrize(
    "trailers",
    [
        Metadata(),
        Metadata(("grpc-status-details-bin", status_pb2.Status(code=code_pb2.OK).SerializeToString())),
    ],
)
def test_an_error_without_details_that_can_be_read_has_no_reason(trailers: Metadata) -> None:
    error = AioRpcError(StatusCode.UNAVAILABLE, Metadata(), trailers, "no healthy upstream")
    assert info_of(error).reason == ""
