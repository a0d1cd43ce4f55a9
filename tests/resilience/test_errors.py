import pickle
from collections.abc import Callable

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from mesh.resilience import BulkheadFull, CircuitOpen, DeadlineSpent, NotAttempted, PolicyInvalid
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.pushback import NOT_AT_ALL, pushback


def test_an_open_circuit_is_an_rpc_error_with_its_facts() -> None:
    error = CircuitOpen("payments", "charge", 4.2)
    assert isinstance(error, AioRpcError)
    assert error.code() is StatusCode.UNAVAILABLE
    assert (error.peer, error.group, error.retry_in) == ("payments", "charge", 4.2)
    assert str(error) == error.details() == "circuit to payments/charge is open; next trial in 4.2s"
    assert repr(error) == "CircuitOpen(circuit to payments/charge is open; next trial in 4.2s)"


def test_a_spent_deadline_is_an_rpc_error_with_its_facts() -> None:
    error = DeadlineSpent("payments", "/shop.payments.v1.PaymentsService/Charge")
    assert error.code() is StatusCode.DEADLINE_EXCEEDED
    assert error.method == "/shop.payments.v1.PaymentsService/Charge"
    assert str(error) == "no time left to call payments /shop.payments.v1.PaymentsService/Charge"


def test_a_full_bulkhead_is_an_rpc_error_with_its_facts() -> None:
    error = BulkheadFull("payments", 64)
    assert isinstance(error, NotAttempted)
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert (error.peer, error.in_flight) == ("payments", 64)
    assert str(error) == "64 attempts are under way to payments, no more are allowed"


def test_nobody_above_retries_what_was_never_sent() -> None:
    assert pushback(CircuitOpen("p", "g", 1.0)) == NOT_AT_ALL
    assert pushback(DeadlineSpent("p", "/m")) == NOT_AT_ALL
    assert pushback(BulkheadFull("p", 64)) == NOT_AT_ALL


def test_the_facts_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(CircuitOpen("p", "g", 1.5)))  # noqa: S301 - our own bytes
    assert (error.peer, error.group, error.retry_in) == ("p", "g", 1.5)
    error = pickle.loads(pickle.dumps(DeadlineSpent("p", "/m")))  # noqa: S301 - our own bytes
    assert (error.peer, error.method) == ("p", "/m")
    error = pickle.loads(pickle.dumps(BulkheadFull("p", 64)))  # noqa: S301 - our own bytes
    assert (error.peer, error.in_flight) == ("p", 64)


@pytest.mark.parametrize(
    "fail", [lambda: CircuitOpen("p", "g", 1.0), lambda: DeadlineSpent("p", "/m"), lambda: BulkheadFull("p", 64)]
)
def test_its_headers_can_be_read_like_those_of_any_other(fail: Callable[[], AioRpcError]) -> None:
    assert fail().initial_metadata() == Metadata()


def test_who_is_not_admitted_is_told_where_and_why() -> None:
    error = NotAdmitted("/shop.Shop/Buy", "limit", retry_in=0.5)
    assert (error.method, error.reason, error.retry_in) == ("/shop.Shop/Buy", "limit", 0.5)
    assert str(error) == "/shop.Shop/Buy is not admitted: limit"


def test_a_policy_is_told_all_that_is_wrong_with_it() -> None:
    assert str(PolicyInvalid(["attempts=9", "group must not be empty"])) == "attempts=9; group must not be empty"
