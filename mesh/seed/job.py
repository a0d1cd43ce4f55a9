"""How is the seeder run in a cluster? As a Job; somebody's own products lie in a ConfigMap for as long as it runs."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from lightkube import AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap

from mesh.local.absence import absence_is_fine
from mesh.suspended_job import JobImpossible, Sleep, SuspendedJob, explained

SEEDER = "seeder"
VOLUME, FILE = "seed", "products.json"
"""Where the CronJob looks for what it is to bring: k8s/base/seeder."""

Report = Mapping[str, Any]
_LAST_WORDS = 3


async def run_seeder(
    client: AsyncClient, namespace: str, products: str, told: Callable[[Report], None], *, timeout: float, sleep: Sleep
) -> Report:
    """What the seeder says at its end; `told` hears each step. No `products`: the manifests' own.

    Raises JobImpossible.
    """
    try:
        async with asyncio.timeout(timeout), _given(client, namespace, products) as config_maps:
            seeder = SuspendedJob(client, namespace, SEEDER, sleep, config_maps)
            return await _heard(seeder.follow("--json"), told)
    except TimeoutError:
        raise JobImpossible(
            f"the seeder did not end within {timeout:.0f} s; run again, it adds what is missing"
        ) from None


async def _heard(lines: AsyncGenerator[str, None], told: Callable[[Report], None]) -> Report:
    """The report among all that is said: logs of libraries are no JSON, and those of ours have a level."""
    report: Report | None = None
    said: list[str] = []
    async with aclosing(lines):
        async for line in lines:
            found = _object(line)
            if found is None or "level" in found:
                said.append(line.strip())
            elif "adding" in found:
                told(found)
            else:
                report = found
    if report is None:
        raise JobImpossible(
            f"the seeder ended without a result and said: {' / '.join(said[-_LAST_WORDS:]) or 'nothing'}"
        )
    return report


def _object(line: str) -> Report | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@asynccontextmanager
async def _given(client: AsyncClient, namespace: str, products: str) -> AsyncIterator[Mapping[str, str]]:
    """The volume that holds somebody's own products while the block runs; none when there are none."""
    if not products:
        yield {}
        return
    name = f"{SEEDER}-{secrets.token_hex(4)}"
    labels = {"app": SEEDER, "app.kubernetes.io/name": SEEDER}
    metadata = ObjectMeta(name=name, namespace=namespace, labels=labels)
    try:
        with explained():
            await client.create(ConfigMap(metadata=metadata, data={FILE: products}))
        yield {VOLUME: name}
    finally:
        await _delete(client, namespace, name)


async def _delete(client: AsyncClient, namespace: str, name: str) -> None:
    with explained(), absence_is_fine():
        await client.delete(ConfigMap, name, namespace=namespace)
