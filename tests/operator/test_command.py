"""`python -m services.operator` as a process, before the real admin service of several pods."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from argosy.resilience.v1.resilience_admin_pb2 import BREAKER_ACTION_OPEN

from services.operator.policy import PEERS
from tests.hosting.administered import shown_by
from tests.operator.balancer import balanced

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
SERVICES = tuple(service.upper() for service in PEERS)
BOTH = "orders=orders-1,orders-2"


async def started(address: str, *arguments: str) -> asyncio.subprocess.Process:
    addresses = {f"{service}_SERVICE_ADDR": address for service in SERVICES} if address else {}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.operator", *arguments),
        cwd=CHECKOUT,
        env=os.environ | addresses,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def operator(address: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, lines and errors."""
    process = await started(address, *arguments)
    out, err = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.splitlines()], err.decode()


def breakers(line: dict[str, Any]) -> set[tuple[str, str, str, bool]]:
    return {
        (callee["name"], breaker["group"], breaker["state"], breaker["forced"])
        for callee in line["callees"]
        for breaker in callee["breakers"]
    }


async def test_every_pod_says_how_it_stands() -> None:
    async with balanced("orders-1", "orders-2") as (address, _, __):
        code, lines, _ = await operator(address, "state", BOTH)
    assert code == 0
    assert [(line["service"], line["pod"]) for line in lines] == [("orders", "orders-1"), ("orders", "orders-2")]
    assert breakers(lines[0]) == {
        ("catalog", "default", "closed", False),
        ("catalog", "read", "closed", False),
        ("attic", "default", "closed", False),
    }
    assert lines[0]["callees"][0]["bulkhead"] == {"in_flight": 0, "limit": 8}


async def test_a_change_reaches_every_pod_and_so_does_its_end() -> None:
    async with balanced("orders-1", "orders-2") as (address, pods, _):
        opened, lines, _ = await operator(address, "open", BOTH, "--callee", "catalog", "--group", "read")
        states = [await pod.breaker() for pod in pods]
        reset, _, __ = await operator(address, "reset", BOTH, "--callee", "catalog")
        after = [await pod.breaker() for pod in pods]
    assert (opened, reset) == (0, 0)
    assert {("catalog", "read", "open", True), ("catalog", "default", "closed", False)} <= breakers(lines[0])
    assert [state.forced for state in states] == [True, True]
    assert [state.forced for state in after] == [False, False]


async def test_a_pod_that_cannot_be_reached_is_named_and_ends_with_1() -> None:
    async with balanced("orders-1", unreachable=True) as (address, _, __):
        code, lines, _ = await operator(address, "state", BOTH, "--timeout", "2")
    assert code == 1
    assert [line.get("pod") for line in lines] == ["orders-1", None]
    assert lines[-1]["unreached"] == ["orders-2"]
    assert lines[-1]["problem"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--callee", "bank"], "orders does not call bank: it calls attic and catalog"),
        (["--callee", "catalog", "--group", "x"], "catalog has no breaker x: there are default and read"),
    ],
)
async def test_what_does_not_exist_ends_with_2_and_what_does(arguments: list[str], sentence: str) -> None:
    async with balanced("orders-1") as (address, _, __):
        code, lines, _ = await operator(address, "open", "orders=orders-1", *arguments)
    assert (code, lines[0]["refused"]) == (2, "NOT_FOUND")
    assert sentence in lines[0]["problem"]


async def test_who_may_not_ask_ends_with_3() -> None:
    async with balanced("orders-1", identity=shown_by("auditor")) as (address, pods, _):
        code, lines, _ = await operator(address, "open", "orders", "--callee", "catalog")
        assert not (await pods[0].breaker()).forced
    assert (code, lines[0]["refused"]) == (3, "PERMISSION_DENIED")


async def test_a_watch_follows_every_pod_until_interrupted() -> None:
    async with balanced("orders-1", "orders-2") as (address, pods, _):
        process = await started(address, "watch", BOTH)
        assert process.stdout
        try:
            async with asyncio.timeout(50):
                seen: set[str] = set()
                while len(seen) < 2:
                    seen.add(json.loads(await process.stdout.readline())["pod"])
                await pods[1].set_breaker(BREAKER_ACTION_OPEN)
                while True:
                    line = json.loads(await process.stdout.readline())
                    if ("catalog", "read", "open", True) in breakers(line):
                        break
                assert line["pod"] == "orders-2"
        finally:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


async def test_a_service_that_does_not_exist_ends_with_2() -> None:
    code, _, err = await operator("127.0.0.1:1", "state", "billing")
    assert code == 2
    assert "there is no service billing, only cart, catalog, inventory, orders, payments," in err


async def test_settings_that_are_missing_end_with_2_and_are_all_named() -> None:
    code, _, err = await operator("", "state", "orders")
    assert code == 2
    assert {line.split()[0] for line in err.splitlines()} == {f"{service}_SERVICE_ADDR" for service in SERVICES}
