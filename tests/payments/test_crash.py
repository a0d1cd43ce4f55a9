"""kill -9 between the gateway and our books: nothing is charged twice, and nothing stays taken unseen."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from tests.inventory.service_process import ServiceProcess, running
from tests.payments.asking import SLOW, charge, gateway_ledger, get, refund

pytestmark = pytest.mark.processes

CHARGES = 200
CUSTOMERS = 10


async def charge_until_killed(service: ServiceProcess, requests: list[pb.ChargeRequest], kill_after: int) -> set[str]:
    payments = PaymentsServiceStub(service.channel)
    answered: set[str] = set()

    async def customer(number: int) -> None:
        for asked in requests[number::CUSTOMERS]:
            try:
                await payments.Charge(asked)
            except grpc.aio.AioRpcError:
                return
            answered.add(asked.idempotency_key)
            if len(answered) >= kill_after and service.process.returncode is None:
                service.process.kill()

    await asyncio.gather(*map(customer, range(CUSTOMERS)))
    await service.kill()
    return answered


async def test_after_kill_9_every_answered_charge_is_there_and_every_charge_can_be_repeated(url: str) -> None:
    requests = [charge() for _ in range(CHARGES)]
    answered: set[str] = set()
    for killed_after in (30, 60):
        async with running("payments", url) as service:
            answered |= await charge_until_killed(service, requests, killed_after)
        assert killed_after <= len(answered) < CHARGES
    taken = gateway_ledger(url)
    assert answered <= taken.keys()
    async with running("payments", url) as service:
        payments = PaymentsServiceStub(service.channel)
        answers = await asyncio.gather(*(payments.Charge(asked) for asked in requests))
        assert {answer.payment.state for answer in answers} == {pb.PAYMENT_STATE_CHARGED}
        books = (await payments.ListPayments(pb.ListPaymentsRequest(page_size=1000))).payments
    ledger = gateway_ledger(url)
    assert {payment.idempotency_key for payment in books} == ledger.keys()
    assert len(ledger) == CHARGES
    assert {key: ledger[key].at for key in taken} == {key: row.at for key, row in taken.items()}  # not charged anew


async def kill_after_the_gateway_took_the_money(url: str, asked: pb.ChargeRequest) -> None:
    """The slow card's reply comes 2 s after the money was taken: plenty of time to die in."""
    async with running("payments", url) as service:
        charging = asyncio.ensure_future(PaymentsServiceStub(service.channel).Charge(asked))
        async with asyncio.timeout(30):
            while not gateway_ledger(url):
                await asyncio.sleep(0.01)  # polling, bounded by the timeout above
        await service.kill()
        with pytest.raises(grpc.aio.AioRpcError):
            await charging


@pytest.mark.parametrize("then", ["charge again", "refund"])
async def test_money_taken_before_the_kill_is_found_or_given_back(url: str, then: str) -> None:
    asked = charge(SLOW)
    await kill_after_the_gateway_took_the_money(url, asked)
    async with running("payments", url) as service:
        payments = PaymentsServiceStub(service.channel)
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await payments.GetPayment(get(asked))
        assert (
            unknown.value.code() is grpc.StatusCode.NOT_FOUND
        )  # that is the gap: the gateway knows, payments does not
        if then == "refund":
            payment = (await payments.Refund(refund(asked))).payment
            assert payment.state == pb.PAYMENT_STATE_REFUNDED
        else:
            payment = (await payments.Charge(asked)).payment
            assert payment.state == pb.PAYMENT_STATE_CHARGED
        assert (await payments.GetPayment(get(asked))).payment == payment
    assert [row.state for row in gateway_ledger(url).values()] == [
        "REFUNDED" if then == "refund" else "CHARGED",
    ]
