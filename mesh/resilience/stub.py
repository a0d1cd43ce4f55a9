"""How does a generated stub come under the policy? It is built on a channel that hands out guarded methods.

A generated stub asks its channel for one callable per RPC and knows nothing else. So no stub is wrapped,
no method named twice, and no interceptor needed: those cost a task per call, and one that inherits two
kinds silently serves only the first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

import grpc

from mesh.resilience import answers, propagation
from mesh.resilience.call import Method
from mesh.resilience.errors import PolicyInvalid
from mesh.resilience.fallback import covered

T = TypeVar("T")
FindMethod = Callable[[str, bool], Method]


class GuardedChannel:
    """What a generated stub needs of a grpc.aio.Channel; its callables pass through the policy.

    Unary responses are coroutines, streamed ones async iterators: nothing is sent before they are awaited
    or iterated. A call whose requests are a stream is never tried again: they cannot be sent twice.
    """

    def __init__(self, channel: grpc.aio.Channel, find: FindMethod, *, withheld: frozenset[str]) -> None:
        self._channel, self._find, self._withheld = channel, find, withheld

    def unary_unary(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., Awaitable[Any]]:
        method = self._find(name, True)
        call = self._one_response(self._channel.unary_unary(name, *args, **kwargs), method)
        return covered(call, method.guard, *args, **kwargs)

    def stream_unary(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., Awaitable[Any]]:
        return self._one_response(self._channel.stream_unary(name, *args, **kwargs), self._uncovered(name, False))

    def unary_stream(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., AsyncIterator[Any]]:
        return self._many_responses(self._channel.unary_stream(name, *args, **kwargs), self._uncovered(name, True))

    def stream_stream(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., AsyncIterator[Any]]:
        return self._many_responses(self._channel.stream_stream(name, *args, **kwargs), self._uncovered(name, False))

    def _uncovered(self, name: str, replayable: bool) -> Method:  # noqa: FBT001 - as FindMethod
        method = self._find(name, replayable)
        if method.guard.policy.fallback is not None:
            raise PolicyInvalid([f"{name}: only one response to one request has a fallback"])
        return method

    def _one_response(self, rpc: Any, method: Method) -> Callable[..., Awaitable[Any]]:
        async def call(
            request: Any,
            *,
            timeout: float | None = None,
            metadata: Iterable[propagation.Pair] | None = None,
            **options: Any,
        ) -> Any:
            headers = propagation.outgoing(metadata, withheld=self._withheld)

            def send(allowed: float) -> Awaitable[Any]:
                begun: Awaitable[Any] = rpc(request, timeout=allowed, metadata=headers, **options)
                return begun

            return await method.unary(answers.noting(method.guard.peer, send), timeout)

        return call

    def _many_responses(self, rpc: Any, method: Method) -> Callable[..., AsyncIterator[Any]]:
        def call(
            request: Any,
            *,
            timeout: float | None = None,
            metadata: Iterable[propagation.Pair] | None = None,
            **options: Any,
        ) -> AsyncIterator[Any]:
            headers = propagation.outgoing(metadata, withheld=self._withheld)
            return method.stream(lambda allowed: rpc(request, timeout=allowed, metadata=headers, **options), timeout)

        return call
