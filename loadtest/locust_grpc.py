"""How does a Locust user make gRPC calls?

    class Customer(GrpcUser):
        @task
        def look(self) -> None:
            page = self.ask(ListProductsRequest(), ListProductsResponse, timeout=2.0)

Users are greenlets, so calls are synchronous, and gRPC must be told about gevent: otherwise one call blocks every
user, and nothing says so. The contract knows the path and the kind of an RPC by its request message.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, ClassVar, TypeVar

import grpc
from gevent import GreenletExit
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from locust import User
from locust.env import Environment
from locust.exception import RescheduleTask
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from loadtest.outcome import FAILURES, SUCCESS, Deserved, failure, reason_of
from loadtest.tally import Tally

Answer = TypeVar("Answer", bound=Message)
USERS_PER_CHANNEL = 25  # far below the 100 streams that HTTP/2 peers commonly allow per connection


class RpcFailed(RescheduleTask):
    """A call failed and was counted; Locust lets the user wait and go on with something else."""


class ChannelPool:
    """Connections shared by a few users each: one per user or per call would measure handshakes."""

    def __init__(self, users_per_channel: int) -> None:
        self._users_per_channel = users_per_channel
        self._users: dict[grpc.Channel, int] = {}

    def join(self, target: str) -> grpc.Channel:
        """A channel for one more user."""
        room = (channel for channel, users in self._users.items() if users < self._users_per_channel)
        channel = next(room, None)
        if channel is None:
            # Channels of one process share a connection unless told otherwise.
            channel = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
        self._users[channel] = self._users.get(channel, 0) + 1
        return channel

    def leave(self, channel: grpc.Channel) -> None:
        """One user less; the last one closes the connection."""
        self._users[channel] -= 1
        if not self._users[channel]:
            del self._users[channel]
            channel.close()


class GrpcUser(User):
    """A user with a channel, a random generator of its own, and calls that are counted by RPC and by status."""

    abstract = True
    tally: ClassVar[Tally] = Tally()  # of this process
    pool: ClassVar[ChannelPool] = ChannelPool(USERS_PER_CHANNEL)
    numbers: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options: Any = environment.parsed_options
        process = getattr(environment.runner, "worker_index", 0)
        self.number = f"{process}-{next(self.numbers)}"
        self.random = Random(f"{options.seed}/{self.number}")  # noqa: S311 - choices, not secrets

    def on_start(self) -> None:
        """Joins a channel here and not earlier: Locust may fork between construction and start."""
        self.channel = self.pool.join(self.host or "")

    def on_stop(self) -> None:
        """Leaves the channel."""
        self.pool.leave(self.channel)

    def stop(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - Locust's signature
        """Asks the user to end; one that waits wakes up first.

        Locust would kill it instead, and on a busy machine often a moment later, in the middle of its next call:
        179 of 10 000 calls of 500 users were lost that way.
        """
        if not force and self._state == LOCUST_STATE_WAITING:
            self._state = LOCUST_STATE_STOPPING
            return False
        return bool(super().stop(force))

    def ask(self, request: Message, answer: type[Answer], *, timeout: float, deserved: Deserved = SUCCESS) -> Answer:
        """The answer of a unary RPC within `timeout` seconds. Raises RpcFailed, also for a deserved refusal."""
        method = method_of(request)
        call = self.channel.unary_unary(path_of(method), _serialize, answer.FromString)
        [response] = self._counted(method.name, lambda: [call(request, timeout=timeout)], deserved)
        return response

    def follow(self, request: Message, answer: type[Answer], *, timeout: float) -> list[Answer]:
        """All messages of a stream that ends within `timeout` seconds; its duration is that of the whole stream."""
        method = method_of(request)
        stream = self.channel.unary_stream(path_of(method), _serialize, answer.FromString)
        return self._counted(method.name, lambda: list(stream(request, timeout=timeout)), SUCCESS)

    def _counted(self, rpc: str, send: Callable[[], list[Answer]], deserved: Deserved) -> list[Answer]:
        answers: list[Answer] = []
        code, reason = grpc.StatusCode.OK, ""
        begin = time.perf_counter()
        try:
            answers = send()
        except grpc.RpcError as error:
            ended = failure(error)
            code, reason = ended.code(), reason_of(ended)
        except GreenletExit:  # the stop timeout has passed
            self.tally.cut_off += 1
            raise
        seconds = time.perf_counter() - begin
        kind = deserved.kind(code, reason)
        self.tally.record(rpc, code.name, kind, seconds)
        self.environment.events.request.fire(
            request_type="grpc",
            name=rpc,
            response_time=1000 * seconds,
            response_length=sum(each.ByteSize() for each in answers),
            exception=f"{code.name} {reason}".strip() if kind in FAILURES else None,
            context={"code": code.name, "kind": kind},
        )
        if code is not grpc.StatusCode.OK:
            raise RpcFailed(rpc)
        return answers


def method_of(request: Message) -> MethodDescriptor:
    """The RPC that takes this message. Raises LookupError when none does."""
    services: Any = request.DESCRIPTOR.file.services_by_name
    for service in services.values():
        for method in service.methods:
            if method.input_type is request.DESCRIPTOR:
                found: MethodDescriptor = method
                return found
    raise LookupError(f"no RPC takes {request.DESCRIPTOR.full_name}")


def path_of(method: MethodDescriptor) -> str:
    """The RPC's path in HTTP/2."""
    return f"/{method.containing_service.full_name}/{method.name}"


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
