"""What does `argosy breakers` do? It runs the operator in the cluster and shows what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NoReturn

import typer
from lightkube.core.exceptions import ConfigError

from mesh.breakers.pods import Pods, ready_pods
from mesh.breakers.problems import ALL_REACHED, NOT_ALL, NoAnswer, NoSuchThing
from mesh.breakers.sight import Sight
from mesh.breakers.target import Target
from mesh.breakers.view import Lines, Tables, View
from mesh.chosen_cluster import NAMESPACE, Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import end_like_ctrl_c
from mesh.suspended_job import JobImpossible, SuspendedJob, explained

OPERATOR = "operator"


class Action(StrEnum):
    """What can be done to a breaker."""

    OPEN = "open"
    CLOSE = "close"
    RESET = "reset"


def breakers(
    action: Annotated[Action | None, typer.Argument(help="What to do; without, show how they stand.")] = None,
    target: Annotated[str | None, typer.Argument(metavar="[SERVICE/CALLEE[/GROUP]]", help="Which one.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the log of the service.")] = "",
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show every change until Ctrl-C.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Budgets, bulkheads and server limits, too.")] = False,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON object a pod on one line.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds it may take in all; a watch has no end.")] = 60.0,
    context: Context = "",
) -> None:
    """Show the circuits between services, pod by pod, and open, close or reset them.

    Opened or closed by hand a circuit stays so, whatever the callee does, until it is reset: it is then closed and
    decides for itself again. The operator runs as a Job in the cluster, which is deleted afterwards.

    \b
    argosy breakers
    argosy breakers --watch --all
    argosy breakers open orders/payments --reason "the bank is down"
    argosy breakers reset orders/payments/charge
    argosy breakers --json | jq 'select(any(.callees[].breakers[]; .state != "closed")) | .pod'

    \b
    Exit codes: 0 every Ready pod has answered, 1 not every one (they are named), 2 wrong usage, no such service,
    callee or group, 3 the operator could not be run or is refused, 4 no cluster runs, 130 interrupted.
    """  # noqa: D301
    if (action is None) is not (target is None) or (action and watch):
        raise typer.BadParameter("an action needs a target, a target an action, and neither goes with --watch")
    end_like_ctrl_c()
    view = Lines() if as_document else Tables(everything=everything)
    wish = _Wish(action, Target.parse(target) if target else None, reason)
    try:
        cluster = meant(context)
        raise typer.Exit(asyncio.run(_watch(view, cluster) if watch else _ask(view, cluster, wish, timeout)))
    except (JobImpossible, ConfigError) as error:
        raise NoAnswer(str(error)) from error


@dataclass(frozen=True)
class _Wish:
    """What is to be done to which breaker; nothing, to none, when only asked how they stand."""

    action: Action | None
    target: Target | None
    reason: str

    def command(self, pods: Pods) -> list[str]:
        """The operator's arguments. Raises NoAnswer when there is nobody to ask."""
        about = self.target
        named = [f"--callee={about.callee}", f"--group={about.group}", f"--reason={self.reason}"] if about else []
        return [self.action or "state", *_named(pods), *named]


async def _ask(view: View, cluster: Cluster, wish: _Wish, timeout: float) -> int:
    async with _operator(cluster) as (operator, ready):
        sight = Sight(_of(wish.target.service, ready) if wish.target else ready)
        command = wish.command(sight.expected)
        try:
            async with asyncio.timeout(timeout):
                ended = await operator.run(*command)
        except TimeoutError:
            raise NoAnswer(f"the {OPERATOR} did not end within {timeout:.0f} s") from None
    for line in ended.lines:
        sight.learn(line)
    if ended.exit_code not in {ALL_REACHED, NOT_ALL}:
        raise NoAnswer(ended.last_words(OPERATOR))
    view.show(sight)
    return NOT_ALL if sight.missing else ended.exit_code  # what it has said may be lost with its node's logs


async def _watch(view: View, cluster: Cluster) -> NoReturn:
    async with _operator(cluster) as (operator, ready), aclosing(operator.follow("watch", *_named(ready))) as lines:
        await view.follow(Sight(ready), lines)
    raise NoAnswer(f"the {OPERATOR} has ended; its CronJob says how long it may watch")


@asynccontextmanager
async def _operator(cluster: Cluster) -> AsyncIterator[tuple[SuspendedJob, Pods]]:
    """What runs the operator, and the pods that should answer it."""
    async with opened(cluster) as client:
        with explained():
            ready = await ready_pods(client, NAMESPACE)
        yield SuspendedJob(client, NAMESPACE, OPERATOR, asyncio.sleep), ready


def _named(pods: Pods) -> list[str]:
    """The services that can be asked, as the operator's arguments. Raises NoAnswer when there is none."""
    named = [f"{service}={','.join(ready)}" for service, ready in pods.items() if ready]
    if not named:
        raise NoAnswer(f"no service has a Ready pod in namespace {NAMESPACE}")
    return named


def _of(service: str, pods: Pods) -> Pods:
    """The pods of this service alone. Raises NoSuchThing."""
    if not pods.get(service):
        there = ", ".join(name for name, ready in pods.items() if ready) or "nobody"
        raise NoSuchThing(f"no pod of {service} is Ready; there are pods of {there}")
    return {service: pods[service]}
