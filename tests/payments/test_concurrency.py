"""However often one key is charged at once, in however many processes, the money is taken once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from tests.inventory.service_process import running
from tests.payments.asking import charge, euros, gateway_ledger, new_id, refund

pytestmark = pytest.mark.processes


async def codes(calls: Iterable[Awaitable[Any]]) -> Counter[str]:
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(
        answer.code().name if isinstance(answer, grpc.aio.AioRpcError) else type(answer).__name__ for answer in answers
    )


async def books(payments: PaymentsServiceStub) -> list[pb.Payment]:
    return list((await payments.ListPayments(pb.ListPaymentsRequest(page_size=1000))).payments)


async def test_one_key_charged_by_many_at_once_takes_the_money_once(payments: PaymentsServiceStub, url: str) -> None:
    asked = charge()
    answers = await asyncio.gather(*(payments.Charge(asked) for _ in range(40)))
    assert {answer.payment.payment_id for answer in answers} == {answers[0].payment.payment_id}
    assert len(gateway_ledger(url)) == 1


async def test_one_key_with_many_bodies_at_once_charges_one_of_them(payments: PaymentsServiceStub, url: str) -> None:
    key, order_id = new_id(), new_id()
    asked = [charge(key=key, order_id=order_id, amount=euros(units)) for units in range(1, 21)]
    assert await codes(map(payments.Charge, asked)) == {"ChargeResponse": 1, "ALREADY_EXISTS": 19}
    assert [payment.amount.units for payment in await books(payments)] == [gateway_ledger(url)[key].units]


async def test_charge_and_refund_of_one_key_at_once_leave_no_money_behind(
    payments: PaymentsServiceStub, url: str
) -> None:
    for _ in range(20):
        asked = charge()
        await codes(call for _ in range(3) for call in (payments.Charge(asked), payments.Refund(refund(asked))))
    assert {row.state for row in gateway_ledger(url).values()} <= {"REFUNDED", "VOIDED"}
    assert {payment.state for payment in await books(payments)} <= {
        pb.PAYMENT_STATE_REFUNDED,
        pb.PAYMENT_STATE_VOIDED,
    }


@pytest.mark.parametrize("keys", [1, 30])
async def test_two_processes_on_one_database_take_the_money_once_per_key(url: str, keys: int) -> None:
    async with running("payments", url) as one, running("payments", url) as two:
        stubs = [PaymentsServiceStub(process.channel) for process in (one, two)]
        asked = [charge() for _ in range(keys)]
        repeats = 60 // keys
        answered = await codes(stub.Charge(request) for _ in range(repeats) for request in asked for stub in stubs)
        assert answered == {"ChargeResponse": 2 * repeats * keys}
        assert await books(stubs[0]) == await books(stubs[1])
    ledger = gateway_ledger(url)
    assert {key: row.state for key, row in ledger.items()} == {request.idempotency_key: "CHARGED" for request in asked}
