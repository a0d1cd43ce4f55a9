"""What is kept to be answered later, and what is declared. No wire."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import StringValue
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import FallbackPolicy, MethodPolicy, PolicyInvalid
from mesh.resilience.fallback import LastGood, covered
from tests.resilience.scripted import Bench

LAST_GOOD = FallbackPolicy(kind="last_good", max_age=30.0, entries=2)


def test_the_last_answer_to_the_same_request_is_kept() -> None:
    kept = LastGood(LAST_GOOD)
    kept.remember(b"a", b"1", 100.0)
    kept.remember(b"a", b"2", 101.0)
    kept.remember(b"b", b"3", 102.0)
    assert (kept.recall(b"a", 103.0), kept.recall(b"b", 103.0), kept.recall(b"c", 103.0)) == (b"2", b"3", None)


def test_an_answer_is_kept_for_max_age() -> None:
    kept = LastGood(LAST_GOOD)
    kept.remember(b"a", b"1", 100.0)
    assert kept.recall(b"a", 130.0) == b"1"
    assert kept.recall(b"a", 130.1) is None


def test_the_oldest_answer_makes_room() -> None:
    kept = LastGood(LAST_GOOD)
    for at, request in enumerate((b"a", b"b", b"a", b"c")):
        kept.remember(request, b"1", float(at))
    assert [request for request in (b"a", b"b", b"c") if kept.recall(request, 4.0)] == [b"a", b"c"]


def test_a_caller_who_changes_an_answer_changes_nobody_elses() -> None:
    kept, answer = LastGood(LAST_GOOD), StringValue(value="fresh")
    kept.remember(b"a", answer, 0.0)
    answer.value = "changed after it was given"
    first = kept.recall(b"a", 1.0)
    assert first == StringValue(value="fresh")
    first.value = "changed after it was recalled"
    assert kept.recall(b"a", 1.0) == StringValue(value="fresh")


async def test_equal_messages_are_the_same_request() -> None:
    it = Bench(policy=MethodPolicy(idempotent=True, attempts=1, fallback=LAST_GOOD))
    wire = it.wire(b"1", StatusCode.UNAVAILABLE)
    call = covered(lambda _: it.call(wire), it.method.guard, StringValue.SerializeToString)
    await call(StringValue(value="mug"))
    assert await call(StringValue(value="mug")) == b"1"
    with pytest.raises(AioRpcError):
        await call(StringValue(value="hat"))


def declared(default: str, deserializer: Any = StringValue.FromString) -> Any:
    """A method that always fails, with a declared answer."""
    it = Bench(policy=MethodPolicy(idempotent=True, fallback=FallbackPolicy(kind="default", default=default)))

    async def call(request: Any) -> Any:
        return await it.call(it.wire(StatusCode.UNAVAILABLE))

    return covered(call, it.method.guard, response_deserializer=deserializer)


async def test_a_default_is_the_methods_message_from_json() -> None:
    assert await declared('"none"')(b"") == StringValue(value="none")
    assert await declared('{"shelf": []}', Struct.FromString)(b"") == declared_struct()


def declared_struct() -> Struct:
    struct = Struct()
    struct.update({"shelf": []})
    return struct


async def test_a_caller_who_changes_the_default_changes_nobody_elses() -> None:
    call = declared('"none"')
    (await call(b"")).value = "changed"
    assert await call(b"") == StringValue(value="none")


@pytest.mark.parametrize(
    ("default", "deserializer"), [("{}", StringValue.FromString), ("{", Struct.FromString), ("{}", None)]
)
def test_a_default_that_is_not_the_methods_message_is_refused(default: str, deserializer: Any) -> None:
    with pytest.raises(PolicyInvalid, match=r"^/t\.T/U: "):
        declared(default, deserializer)


def test_a_method_without_fallback_is_left_as_it_is() -> None:
    async def call(request: bytes) -> bytes:
        return request

    assert covered(call, Bench().method.guard) is call
