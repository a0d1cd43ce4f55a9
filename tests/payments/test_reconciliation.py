"""What nobody asks for any more is still written down: payments compares its books with the gateway's."""

from __future__ import annotations

import logging

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.hosting.clock import microseconds
from services.hosting.database import Database
from services.payments import reconciliation
from services.payments.card_gateway import MockCardGateway
from services.payments.reconciliation import Reconciler
from tests.hosting.running import FakeClock
from tests.payments.asking import REPLY_LOST, charge, get, refund


@pytest.fixture
def reconciler(database: Database, gateway: MockCardGateway, clock: FakeClock) -> Reconciler:
    return Reconciler(database, gateway, lambda: microseconds(clock.now()), logging.getLogger("test"))


async def lose_the_reply(payments: PaymentsServiceStub) -> pb.ChargeRequest:
    asked = charge(REPLY_LOST)
    with pytest.raises(grpc.aio.AioRpcError):
        await payments.Charge(asked)
    return asked


async def test_a_charge_nobody_came_back_for_is_written_down(
    payments: PaymentsServiceStub, reconciler: Reconciler, clock: FakeClock
) -> None:
    asked = await lose_the_reply(payments)
    charged_at = clock.now()
    clock.advance(30)
    assert await reconciler.reconcile() == 1
    payment = (await payments.GetPayment(get(asked))).payment
    assert (payment.state, payment.order_id, payment.amount) == (pb.PAYMENT_STATE_CHARGED, asked.order_id, asked.amount)
    assert payment.create_time.ToDatetime(charged_at.tzinfo) == charged_at
    assert await reconciler.reconcile() == 0


async def test_a_charge_that_may_still_be_on_its_way_is_left_alone(
    payments: PaymentsServiceStub, reconciler: Reconciler, clock: FakeClock
) -> None:
    await lose_the_reply(payments)
    clock.advance(29)
    assert await reconciler.reconcile() == 0
    clock.advance(1)
    assert await reconciler.reconcile() == 1


async def test_a_refund_the_books_missed_is_written_down(
    payments: PaymentsServiceStub, gateway: MockCardGateway, reconciler: Reconciler, clock: FakeClock
) -> None:
    asked = charge()
    await payments.Charge(asked)
    clock.advance(100)
    assert await reconciler.reconcile() == 0
    await gateway.refund(asked.idempotency_key, asked.order_id)
    clock.advance(30)
    assert await reconciler.reconcile() == 1
    assert (await payments.GetPayment(get(asked))).payment.state == pb.PAYMENT_STATE_REFUNDED


async def test_many_changes_are_compared_batch_by_batch_and_none_is_missed(
    payments: PaymentsServiceStub, reconciler: Reconciler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "BATCH", 3)
    asked = [await lose_the_reply(payments) for _ in range(8)]  # all at the same moment of the fake clock
    for request in asked[::2]:
        await payments.Refund(refund(request))
    clock.advance(30)
    assert await reconciler.reconcile() == 4
    books = (await payments.ListPayments(pb.ListPaymentsRequest())).payments
    assert {payment.idempotency_key for payment in books} == {request.idempotency_key for request in asked}
