"""How does one call go over grpc.aio, and what became of it? It never raises for an RPC that failed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode, aio

from loadtest.contract import method_of, path_of
from loadtest.journeys import Call
from loadtest.outcome import SUCCESS, Deserved, Outcome, reason_of

Metadata = Iterable[tuple[str, str | bytes]] | None


async def asked(channel: aio.Channel, call: Call) -> tuple[Any, Outcome]:
    """The answer (all messages of a stream; None without one) and how the call ended."""
    method, path, parse = _about(call.request.DESCRIPTOR)
    if method.server_streaming:
        stream = channel.unary_stream(path, _serialize, parse)(call.request, timeout=call.timeout)
        return await _streamed(method.name, stream, call.deserved)
    unary = channel.unary_unary(path, _serialize, parse)(call.request, timeout=call.timeout)
    return await answered(method.name, unary, call.deserved)


async def answered(label: str, call: aio.UnaryUnaryCall[Any, Any], deserved: Deserved = SUCCESS) -> tuple[Any, Outcome]:
    """The same of a call that was already made."""
    try:
        return await call, _ended_well(label, await call.trailing_metadata(), deserved)
    except aio.AioRpcError as error:
        return None, _failed(label, error, deserved)


async def _streamed(label: str, call: aio.UnaryStreamCall[Any, Any], deserved: Deserved) -> tuple[Any, Outcome]:
    try:
        messages = [message async for message in call]
        return messages, _ended_well(label, await call.trailing_metadata(), deserved)
    except aio.AioRpcError as error:
        return None, _failed(label, error, deserved)


@cache
def _about(request: Descriptor) -> tuple[MethodDescriptor, str, Any]:
    """The RPC that takes this kind of request, its path, and what reads its answers: looked up once for each."""
    method = method_of(GetMessageClass(request)())
    return method, path_of(method), GetMessageClass(method.output_type).FromString


def _ended_well(label: str, metadata: Metadata, deserved: Deserved) -> Outcome:
    said = _texts(metadata)
    pod, version, degraded = (said.get(f"argosy-{key}", "") for key in ("pod", "version", "degraded"))
    kind = deserved.kind(StatusCode.OK, "")
    return Outcome(StatusCode.OK, kind, pod=pod, version=version, label=label, degraded=degraded)


def _failed(label: str, error: aio.AioRpcError, deserved: Deserved) -> Outcome:
    reason, said = reason_of(error), _texts(error.trailing_metadata())
    kind = deserved.kind(error.code(), reason)
    pod, version = said.get("argosy-pod", ""), said.get("argosy-version", "")
    return Outcome(error.code(), kind, reason, error.details() or "", pod, version, label)


def _texts(metadata: Metadata) -> dict[str, str]:
    """What a server says of itself; a proxy that answered for it says nothing."""
    return {key: value for key, value in metadata or () if isinstance(value, str)}


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
