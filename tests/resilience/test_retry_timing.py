"""Whether a retry comes in time, to the instant: for the deadline, and for the circuit."""

from grpc import StatusCode

from mesh.resilience import BreakerPolicy, MethodPolicy
from tests.resilience.scripted import Bench, failure

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK
HALF_A_SECOND = (("grpc-retry-pushback-ms", "500"),)
TEN_SECONDS = (("grpc-retry-pushback-ms", "10000"),)


async def test_a_retry_that_can_just_finish_is_begun() -> None:
    it = Bench(policy=MethodPolicy(idempotent=True, timeout=1.0, fair_timeout=0.25))
    wire = it.wire((0.25, failure(UNAVAILABLE, HALF_A_SECOND)), OK)
    assert await it.call(wire) == "answer"
    assert wire.allowed == [1.0, 0.25]


async def test_a_retry_that_waits_until_the_circuit_lets_trials_through_is_begun() -> None:
    it = Bench(
        policy=MethodPolicy(idempotent=True, timeout=60.0),
        breaker_policy=BreakerPolicy(min_calls=1, open_for=5.0),
    )
    wire = it.wire(failure(UNAVAILABLE, TEN_SECONDS), OK)
    assert await it.call(wire) == "answer"
    assert it.time.slept == [10.0]
