"""How does a Locust user make gRPC calls?

    class Customer(GrpcUser):
        @task
        def look(self) -> None:
            page = self.ask(Call(ListProductsRequest(), timeout=2.0))

Users are greenlets, so calls are synchronous, and gRPC must be told about gevent: otherwise one call blocks every
user, and nothing says so. Locust's statistics have a row for every RPC and status: the status is the row's type.
"""

import itertools
import time
from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

import grpc
from gevent import GreenletExit
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from locust import User
from locust.env import Environment
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from loadtest.contract import method_of, path_of
from loadtest.journeys import Call
from loadtest.outcome import FAILURES, failure, reason_of
from loadtest.tally import Tally

USERS_PER_CHANNEL = 25  # far below the 100 streams that HTTP/2 peers commonly allow per connection


class RpcFailed(Exception):
    """A call was not answered with OK, and was counted."""


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

    def ask(self, call: Call) -> Any:
        """The answer, or all messages of a stream, which is to end within the timeout. Raises RpcFailed."""
        answers: list[Message] = []
        code, reason = grpc.StatusCode.OK, ""
        method = method_of(call.request)
        begin = time.perf_counter()
        try:
            answers = self._answers(call)
        except grpc.RpcError as error:
            ended = failure(error)
            code, reason = ended.code(), reason_of(ended)
        except GreenletExit:  # the stop timeout has passed
            self.tally.cut_off += 1
            raise
        seconds = time.perf_counter() - begin
        kind = call.deserved.kind(code, reason)
        self.tally.record(method.name, code.name, kind, seconds)
        self.environment.events.request.fire(
            request_type=code.name,
            name=method.name,
            response_time=1000 * seconds,
            response_length=sum(each.ByteSize() for each in answers),
            exception=f"{kind.value} {reason}".strip() if kind in FAILURES else None,
            context={"kind": kind},
        )
        if code is not grpc.StatusCode.OK:
            raise RpcFailed(method.name)
        return answers if method.server_streaming else answers[0]

    def _answers(self, call: Call) -> list[Message]:
        method = method_of(call.request)
        parse = GetMessageClass(method.output_type).FromString
        if method.server_streaming:
            stream = self.channel.unary_stream(path_of(method), _serialize, parse)
            return list(stream(call.request, timeout=call.timeout))
        ask = self.channel.unary_unary(path_of(method), _serialize, parse)
        return [ask(call.request, timeout=call.timeout)]


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
