"""Everybody is asked over HTTP, at the ports where pods answer; who does not is missing, and never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe.counters import METRICS_PORT, STARTED, STATISTICS_PORT, Counter
from mesh.chaos.observe.observing import unreached
from mesh.chaos.observe.readings import Asked, Reading, read
from mesh.pod_pages import Direct
from tests.chaos.observe.said import metrics, statistics
from tests.http_server import OWN_ADDRESS, serving

PAYMENTS = Asked("payments-v1-a", "payments")
OUTBOUND = "outbound|50051|every|catalog.shop.svc.cluster.local"


def pod(*, address: str = OWN_ADDRESS, component: str = "service", ending: bool = False, phase: str = "Running") -> Pod:
    document: dict[str, Any] = {
        "metadata": {"name": PAYMENTS.name, "labels": {"app": "payments", "app.kubernetes.io/component": component}},
        "spec": {"containers": [{"name": "payments"}], "initContainers": [{"name": "istio-proxy"}]},
        "status": {"podIP": address, "phase": phase},
    }
    if ending:
        document["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    made = Pod.from_dict(document)
    assert isinstance(made, Pod)
    return made


@asynccontextmanager
async def listening(port: int, path: str, text: str, *, frozen: asyncio.Event | None = None) -> AsyncIterator[None]:
    async def answer(_: web.Request) -> web.Response:
        if frozen:
            await frozen.wait()
        return web.Response(text=text)

    async with serving(web.get(path, answer), host=OWN_ADDRESS, port=port):
        yield


async def asked(*pods: Pod, patience: float | None = None) -> Reading:
    async with aiohttp.ClientSession() as http:
        return await read(Direct(http), pods, lambda: 7.0, patience)


async def test_a_service_and_its_sidecar_are_read() -> None:
    text = statistics(aborted=4, ejected={OUTBOUND: 1})
    async with (
        listening(METRICS_PORT, "/metrics", metrics(started=3)),
        listening(STATISTICS_PORT, "/stats/prometheus", text),
    ):
        reading = await asked(pod())
    assert reading.at == 7.0
    assert reading.servers[PAYMENTS].counts[Counter(STARTED, "payments")] == 3
    assert (reading.sidecars[PAYMENTS].aborted, dict(reading.sidecars[PAYMENTS].ejected)) == (4, {OUTBOUND: 1})
    assert not reading.missing


async def test_a_sidecar_that_has_nothing_to_say_has_answered() -> None:
    async with listening(METRICS_PORT, "/metrics", ""), listening(STATISTICS_PORT, "/stats/prometheus", ""):
        reading = await asked(pod())
    assert PAYMENTS in reading.sidecars
    assert not reading.missing


async def test_a_killed_pod_is_missing() -> None:
    reading = await asked(pod())
    assert (reading.servers, reading.sidecars) == ({}, {})
    assert "does not answer" in reading.missing[PAYMENTS.name]


async def test_a_frozen_pod_does_not_blind_us_to_the_others() -> None:
    thawed = asyncio.Event()
    async with AsyncExitStack() as pods:
        await pods.enter_async_context(listening(METRICS_PORT, "/metrics", metrics(), frozen=thawed))
        await pods.enter_async_context(listening(STATISTICS_PORT, "/stats/prometheus", statistics(aborted=1)))
        reading = await asked(pod(), patience=0.3)
        thawed.set()
    assert reading.sidecars[PAYMENTS].aborted == 1
    assert "within 0.3 s" in reading.missing[PAYMENTS.name]


@pytest.mark.parametrize("other", [pod(address=""), pod(ending=True), pod(phase="Succeeded"), pod(phase="Failed")])
async def test_who_is_not_there_yet_or_has_ended_or_is_about_to_is_not_asked(other: Pod) -> None:
    reading = await asked(other)
    assert (reading.servers, reading.sidecars, reading.missing) == ({}, {}, {})


async def test_it_is_told_who_did_not_always_answer() -> None:
    readings = [Reading(0.0, 0.0, {}, {}, {}), await asked(pod()), Reading(1.0, 1.0, {}, {}, {})]
    (line,) = unreached(readings)
    assert line.startswith("payments-v1-a: 1 of 3 times: it does not answer")
