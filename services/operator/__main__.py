"""See and overrule what protects services: `python -m services.operator state SERVICE=POD,POD ...`.

    state SERVICE[=POD,...] ...          how the protections of these pods stand
    watch SERVICE[=POD,...] ...          the same with every change, until interrupted
    open|close|reset SERVICE[=POD,...] --callee CALLEE [--group GROUP] [--reason WHY]

Prints a JSON object a line (lines.py). Settings from the environment, as of any service. Exit code 0: every pod
has answered; 1: not every one; 2: wrong usage or settings, no such callee or group; 3: somebody refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, cast

from argosy.resilience.v1 import resilience_admin_pb2 as pb
from argosy.resilience.v1.resilience_admin_pb2_grpc import ResilienceAdminServiceStub
from grpc import StatusCode
from pydantic.dataclasses import dataclass

from services.hosting import Host, HostSettings, logs
from services.hosting.settings import HostAndPort, settings_or_exit
from services.operator import lines
from services.operator.policy import PEERS
from services.operator.reaching import Refused, call_the_roll
from services.operator.watching import Watch

ALL_REACHED, NOT_ALL, WRONG, REFUSED = range(4)
ACTIONS: Mapping[str, pb.BreakerAction.ValueType] = {
    "open": pb.BREAKER_ACTION_OPEN,
    "close": pb.BREAKER_ACTION_CLOSE,
    "reset": pb.BREAKER_ACTION_RESET,
}
_MISTAKES = frozenset({StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT})


@dataclass(frozen=True, kw_only=True)
class OperatorSettings(HostSettings):
    """Where the services are."""

    service_name: str = "operator"
    cart_service_addr: HostAndPort
    catalog_service_addr: HostAndPort
    inventory_service_addr: HostAndPort
    orders_service_addr: HostAndPort
    payments_service_addr: HostAndPort
    recommendations_service_addr: HostAndPort
    storefront_service_addr: HostAndPort
    users_service_addr: HostAndPort

    def address(self, service: str) -> str:
        return str(getattr(self, f"{service}_service_addr"))


Pods = tuple[str, frozenset[str]]


def main() -> int:
    """Ask, print, and say by the exit code how far that got."""
    arguments = _arguments()
    settings = settings_or_exit(OperatorSettings, os.environ)
    logs.configure(settings, sys.stderr)
    return asyncio.run(_operate(Host(settings), settings, arguments))


async def _operate(host: Host, settings: OperatorSettings, arguments: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        asked = []
        for service, pods in arguments.services:
            peer = await stack.enter_async_context(host.peer(service, settings.address(service), PEERS[service]))
            asked.append(_one_service(service, pods, peer.stub(ResilienceAdminServiceStub), arguments))
        return max(await asyncio.gather(*asked))


async def _one_service(
    service: str, pods: frozenset[str], stub: ResilienceAdminServiceStub, arguments: argparse.Namespace
) -> int:
    try:
        if arguments.command == "watch":
            await Watch(service, pods, partial(_follow, stub), _say, asyncio.sleep).run()
        ask = partial(_ask, stub, arguments)
        roll = await call_the_roll(service, pods, ask, seconds=arguments.timeout, sleep=asyncio.sleep)
    except Refused as why:
        _say(lines.refused(why))
        return WRONG if why.code in _MISTAKES else REFUSED
    for _, state in sorted(roll.answers.items()):
        _say(lines.state(state))
    if roll.complete:
        return ALL_REACHED
    _say(lines.unreached(roll))
    return NOT_ALL


def _follow(stub: ResilienceAdminServiceStub) -> AsyncGenerator[pb.WatchStateResponse, None]:
    return cast("AsyncGenerator[pb.WatchStateResponse, None]", stub.WatchState(pb.WatchStateRequest()))  # of a Peer


async def _ask(stub: ResilienceAdminServiceStub, arguments: argparse.Namespace) -> pb.State:
    if arguments.command == "state":
        return (await stub.GetState(pb.GetStateRequest())).state
    action = ACTIONS[arguments.command]
    request = pb.SetBreakerRequest(
        callee=arguments.callee, group=arguments.group, action=action, reason=arguments.reason
    )
    return (await stub.SetBreaker(request)).state


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()  # somebody may be reading along


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.operator", description="See and overrule breakers.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("state", "watch", *ACTIONS):
        command = commands.add_parser(name)
        command.add_argument("services", nargs="+", type=_pods, metavar="SERVICE[=POD,...]")
        command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="(10)")
        if name in ACTIONS:
            command.add_argument("--callee", required=True)
            command.add_argument("--group", default="", help="(all)")
            command.add_argument("--reason", default="", help="for the log of the service")
    return parser.parse_args()


def _pods(given: str) -> Pods:
    service, _, pods = given.partition("=")
    if service not in PEERS:
        raise argparse.ArgumentTypeError(f"there is no service {service}, only {', '.join(PEERS)}")
    return service, frozenset(pods.split(",") if pods else ())


if __name__ == "__main__":
    sys.exit(main())
