"""How are the four kinds of RPC made alike? Each becomes one coroutine, from what arrived to what is sent.

Reading and writing the bytes happens in that coroutine too, not in gRPC around it: there, bytes that
are no request end in UNKNOWN, and nobody counts or logs them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import ServicerContext

from services.hosting.errors import InvalidRequest
from services.hosting.validation import Check

Context = ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Answer = Callable[[Any, Context], Awaitable[Any]]

_Admit = Callable[[Any], Any]


def answer(handler: Handler, check: Check) -> Answer:
    """The servicer's method behind `handler`, given only requests in which `check` finds nothing.

    Raises InvalidRequest otherwise. A method that streams its responses must be an async generator.
    """
    admit = _admit_each(handler, check) if handler.request_streaming else _admit(handler, check)
    return _answer_many(handler, admit) if handler.response_streaming else _answer_one(handler, admit)


def handler(like: Handler, answer: Answer) -> Handler:
    """A handler of the same kind as `like` that gets and gives bytes."""
    match like.request_streaming, like.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(answer)
        case False, True:
            return grpc.unary_stream_rpc_method_handler(answer)
        case True, False:
            return grpc.stream_unary_rpc_method_handler(answer)
    return grpc.stream_stream_rpc_method_handler(answer)


def _answer_one(handler: Handler, admit: _Admit) -> Answer:
    behaviour: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
    serialize = handler.response_serializer or _as_it_is

    async def answer(request: Any, context: Context) -> Any:
        return serialize(await behaviour(admit(request), context))

    return answer


def _answer_many(handler: Handler, admit: _Admit) -> Answer:
    """Write each response of an async generator.

    A coroutine, because gRPC leaves a cancelled generator to the garbage collector, which ends it
    in another context: `finally` would run late and context variables could not be reset.
    """
    behaviour: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
    serialize = handler.response_serializer or _as_it_is

    async def answer(request: Any, context: Context) -> None:
        async with aclosing(behaviour(admit(request), context)) as responses:
            async for response in responses:
                await context.write(serialize(response))

    return answer


def _admit(handler: Handler, check: Check) -> _Admit:
    parse = handler.request_deserializer or _as_it_is

    def admit(arrived: Any) -> Any:
        try:
            request = parse(arrived)
        except DecodeError:
            raise InvalidRequest("MALFORMED_REQUEST", "the bytes are not a request of this method") from None
        if violations := check(request):
            raise InvalidRequest.of(violations)
        return request

    return admit


def _admit_each(handler: Handler, check: Check) -> _Admit:
    admit = _admit(handler, check)

    async def admit_each(arriving: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for arrived in arriving:
            yield admit(arrived)

    return admit_each


def _as_it_is(value: Any) -> Any:
    return value
