"""Payments v2 fails as often as its settings say, says so, and still takes no money twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.hosting import Host
from services.payments.__main__ import PaymentsSettings, build
from services.payments.card_gateway import MockCardGateway
from services.payments.currencies import Amount
from services.payments.injected_faults import FaultyGateway, InjectedFailure
from services.payments.payment import Card, charge_order
from tests.hosting.running import FakeClock, reason, serve
from tests.payments.asking import GOOD, charge, gateway_ledger, new_id

CARD = Card(GOOD, 12, 2099, "123")


def settings(url: str, failure_rate: float = 0.0) -> PaymentsSettings:
    return PaymentsSettings(
        listen_address="127.0.0.1:0",
        drain_seconds=0,
        database_url=url,
        failure_rate=failure_rate,
    )


async def test_an_injected_failure_says_that_it_is_one(url: str) -> None:
    given = settings(url, failure_rate=1)
    host = Host(given)
    async with build(given, host) as hosted, serve(hosted, host) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await PaymentsServiceStub(channel).Charge(charge())
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert reason(failed.value) == "INJECTED_BY_SETTING"
    trailers = dict(failed.value.trailing_metadata())
    assert trailers["argosy-injected"] == "failure-rate"
    assert "grpc-retry-pushback-ms" not in trailers  # callers shall try again, as they would with a real fault


async def test_by_default_nothing_is_injected(url: str) -> None:
    given = settings(url)
    host = Host(given)
    async with build(given, host) as hosted, serve(hosted, host) as channel:
        for _ in range(20):
            await PaymentsServiceStub(channel).Charge(charge())
    assert len(gateway_ledger(url)) == 20


async def charges(gateway: FaultyGateway, count: int) -> int:
    """How many of that many charges failed."""
    failed = 0
    for _ in range(count):
        try:
            await gateway.charge(charge_order(new_id(), new_id(), Amount("EUR", 1, 0), CARD), CARD)
        except InjectedFailure:
            failed += 1
    return failed


async def test_half_of_the_failures_strike_after_the_money_was_taken(gateway: MockCardGateway, url: str) -> None:
    evenly = (number / 100 for number in range(100))
    faulty = FaultyGateway(gateway, failure_rate=0.5, extra_latency=0, draw=lambda: next(evenly))
    assert await charges(faulty, 100) == 50
    assert len(gateway_ledger(url)) == 75


async def test_extra_latency_comes_before_every_charge(gateway: MockCardGateway, clock: FakeClock) -> None:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    faulty = FaultyGateway(gateway, failure_rate=0, extra_latency=0.25, draw=lambda: 0.0, sleep=sleep)
    before = clock.monotonic()
    assert await charges(faulty, 4) == 0
    assert clock.monotonic() - before == 1


async def code_of(call: Awaitable[pb.ChargeResponse]) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_a_charge_tried_until_it_succeeds_takes_the_money_once(url: str) -> None:
    given = settings(url, failure_rate=0.7)
    host = Host(given)
    async with build(given, host) as hosted, serve(hosted, host) as channel:
        payments = PaymentsServiceStub(channel)
        for asked in [charge() for _ in range(20)]:
            while await code_of(payments.Charge(asked)) is grpc.StatusCode.UNAVAILABLE:
                pass
            assert await code_of(payments.Charge(asked)) is grpc.StatusCode.OK  # known by now: not asked of the gateway
    assert [row.state for row in gateway_ledger(url).values()] == ["CHARGED"] * 20


async def test_wrong_settings_are_all_named_and_end_the_process_with_2() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.payments",
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "FAILURE_RATE": "1.5", "EXTRA_LATENCY": "soon", "LOG_LEVEL": "LOUD"},
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert {line.split("=")[0] for line in said.decode().splitlines()} == {"FAILURE_RATE", "EXTRA_LATENCY", "LOG_LEVEL"}
