"""What does a command that has a run in hand need? The cluster, who listens, and a Ctrl-C that pauses."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import typer
from lightkube import AsyncClient

from mesh.canary.act.holder import operator
from mesh.canary.act.routing import Routing
from mesh.canary.journal.disk import folder_of
from mesh.canary.journal.entry import Entry
from mesh.canary.journal.state import Wish, Wished
from mesh.canary.look import events, spans
from mesh.canary.look.listener import Listener
from mesh.canary.look.view import view
from mesh.canary.measure.prometheus import prometheus
from mesh.canary.measure.scraping import sidecars
from mesh.canary.measure.source import Source
from mesh.canary.run.place import Place
from mesh.canary.watchdog.starting import guarded
from mesh.chosen_cluster import Cluster
from mesh.local.commands.surroundings import page, progress, settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def source_of(cluster: Cluster, service: str, versions: Sequence[str], url: str) -> AbstractAsyncContextManager[Source]:
    """Who measures: the sidecars themselves, or the Prometheus server at `url`."""
    if url:
        return prometheus(url, service, versions)
    return sidecars(cluster, service, versions, settings(), progress())


@asynccontextmanager
async def placed(
    cluster: Cluster,
    client: AsyncClient,
    service: str,
    source: Source | None = None,
    *,
    past: Sequence[Entry] = (),
    as_lines: bool = False,
) -> AsyncIterator[Place]:
    """A run's place, with everybody listening who shows or passes on what happens. Raises NoRoute."""
    route = await Routing(client, service).look()
    with ExitStack() as stack:
        listeners: list[Listener] = [stack.enter_context(view(page(), time.time, past, as_lines=as_lines))]
        if traced := stack.enter_context(spans.opened()):
            listeners.append(traced)
        async with events.opened(client, service, str(route.metadata.get("uid", ""))) as written:
            yield Place(
                client,
                service,
                guard=lambda: guarded(cluster, client, service),
                folder=folder_of(cluster, service, os.environ),
                by=operator(),
                source=source,
                listeners=[*listeners, written],
            )


@contextmanager
def pausing(place: Place) -> Iterator[None]:
    """While the block lasts, the first Ctrl-C (or SIGTERM) asks for a pause; the second one ends the process."""
    loop = asyncio.get_running_loop()

    def pause(number: signal.Signals) -> None:
        _let_go(loop)
        typer.echo("pausing; once more ends this process at once, and leaves the run to its watchdog", err=True)
        place.bell.ring(Wished(Wish.PAUSE, place.by, _WHY[number]))

    for number in _SIGNALS:
        loop.add_signal_handler(number, pause, number)
    try:
        yield
    finally:
        _let_go(loop)


_WHY: dict[Any, str] = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "its process was told to end (SIGTERM)"}


def _let_go(loop: asyncio.AbstractEventLoop) -> None:
    for number in _SIGNALS:
        loop.remove_signal_handler(number)
