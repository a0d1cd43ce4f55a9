"""Whom does a run ask? The customers and all that is seen meanwhile, the surroundings, and the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from loadtest.report import Report
from mesh.audit.job import run_auditor
from mesh.chaos.experiment import Load
from mesh.chaos.observe.environment import environment
from mesh.chaos.observe.observing import observing
from mesh.chaos.observed import Event, Happened, Observed, Window
from mesh.chaos.site import Site

SETTLE = 20.0  # seconds for orders in flight, before the books are compared
AUDIT_PATIENCE = 120.0


class Watching(Protocol):
    """What is known so far, as mesh.chaos.observe.observing.Observer says it."""

    def event(self, kind: Happened, subject: str, detail: str = "", **facts: Any) -> Event: ...
    @property
    def streams(self) -> tuple[str, ...]: ...
    def recent(self, stream: str, seconds: float) -> Report: ...
    def well_for(self, since: float) -> float: ...
    async def finished(self, window: Window) -> Observed: ...


async def audited(site: Site) -> Mapping[str, Any]:
    """What the auditor says of the shop's books. Raises JobImpossible."""
    shop = site.shop
    said = await run_auditor(shop.client, shop.namespace, settle=SETTLE, timeout=AUDIT_PATIENCE, sleep=asyncio.sleep)
    return said.report


@dataclass(frozen=True)
class Senses:
    """A test has its own."""

    observing: Callable[[Site, Load], AbstractAsyncContextManager[Watching]] = observing
    environment: Callable[[Site], Awaitable[Mapping[str, Any]]] = environment
    audit: Callable[[Site], Awaitable[Mapping[str, Any]]] = audited
