import pickle

from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import CircuitOpen, DeadlineSpent
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


def test_nobody_above_retries_what_was_never_sent() -> None:
    assert pushback(CircuitOpen("p", "g", 1.0)) == NOT_AT_ALL
    assert pushback(DeadlineSpent("p", "/m")) == NOT_AT_ALL


def test_the_facts_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(CircuitOpen("p", "g", 1.5)))  # noqa: S301 - our own bytes
    assert (error.peer, error.group, error.retry_in) == ("p", "g", 1.5)
    error = pickle.loads(pickle.dumps(DeadlineSpent("p", "/m")))  # noqa: S301 - our own bytes
    assert (error.peer, error.method) == ("p", "/m")
