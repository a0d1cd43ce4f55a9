from mesh.resilience import propagation
from mesh.resilience.propagation import TRACE, adopt, outgoing

INBOUND = (
    ("x-request-id", "r-1"),
    ("x-canary", "v2"),
    ("traceparent", "00-1-2-01"),
    ("authorization", "Bearer secret"),
    ("grpc-previous-rpc-attempts", "2"),
    ("grpc-timeout", "1S"),
    ("x-envoy-max-retries", "9"),
    ("user-agent", "someone"),
)


def test_only_what_is_listed_travels_on() -> None:
    with adopt(INBOUND):
        assert outgoing(None) == (("x-request-id", "r-1"), ("x-canary", "v2"), ("traceparent", "00-1-2-01"))


def test_nothing_outside_the_request() -> None:
    with adopt(INBOUND):
        pass
    assert outgoing(None) is None


def test_a_call_s_own_metadata_is_kept_and_wins() -> None:
    with adopt(INBOUND):
        sent = outgoing([("x-canary", "v1"), ("x-mine", "1")])
    assert sent == (("x-canary", "v1"), ("x-mine", "1"), ("x-request-id", "r-1"), ("traceparent", "00-1-2-01"))


def test_the_tracing_interceptor_sends_the_trace_context_itself() -> None:
    with adopt(INBOUND):
        assert outgoing(None, withheld=TRACE) == (("x-request-id", "r-1"), ("x-canary", "v2"))


def test_own_metadata_without_a_request() -> None:
    assert outgoing([("x-mine", "1")]) == (("x-mine", "1"),)


def test_a_request_without_metadata() -> None:
    with propagation.adopt(None):
        assert outgoing(None) is None
