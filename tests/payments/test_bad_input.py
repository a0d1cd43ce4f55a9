"""Whatever is wrong with a request, the answer is INVALID_ARGUMENT and names the field, and no money moves."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.hosting import paging
from tests.hosting.running import blamed
from tests.payments.asking import GOOD, card, charge, euros, gateway_ledger, new_id

ID = new_id()


def with_card(**wrong: Any) -> pb.ChargeRequest:
    return pb.ChargeRequest(idempotency_key=ID, order_id=ID, amount=euros(1), card=card(**wrong))


BAD = [
    ("Charge", pb.ChargeRequest(order_id=ID, amount=euros(1), card=card()), "idempotency_key"),
    ("Charge", charge(key="1"), "idempotency_key"),
    ("Charge", charge(key=f"{{{ID}}}"), "idempotency_key"),
    ("Charge", charge(order_id="order"), "order_id"),
    ("Charge", pb.ChargeRequest(idempotency_key=ID, order_id=ID, card=card()), "amount"),
    ("Charge", charge(amount=euros(0)), "amount"),
    ("Charge", charge(amount=euros(-1)), "amount.units"),
    ("Charge", charge(amount=euros(1_000_001)), "amount.units"),
    ("Charge", charge(amount=euros(2**63 - 1)), "amount.units"),
    ("Charge", charge(amount=euros(1, -1)), "amount.nanos"),
    ("Charge", charge(amount=euros(1, 1_000_000_000)), "amount.nanos"),
    ("Charge", charge(amount=euros(1, 1)), "amount.nanos"),
    ("Charge", charge(amount=euros(1, 500_000_000, "JPY")), "amount.nanos"),
    ("Charge", charge(amount=euros(1, currency="")), "amount.currency_code"),
    ("Charge", charge(amount=euros(1, currency="eur")), "amount.currency_code"),
    ("Charge", charge(amount=euros(1, currency="EURO")), "amount.currency_code"),
    ("Charge", charge(amount=euros(1, currency="XTS")), "amount.currency_code"),
    ("Charge", pb.ChargeRequest(idempotency_key=ID, order_id=ID, amount=euros(1)), "card"),
    ("Charge", with_card(number=""), "card.number"),
    ("Charge", with_card(number="42424242424"), "card.number"),
    ("Charge", with_card(number=GOOD + "4242"), "card.number"),
    ("Charge", with_card(number="4242 4242 4242 4242"), "card.number"),
    ("Charge", with_card(number="\u0664" * 16), "card.number"),  # digits, but Arabic ones
    ("Charge", with_card(month=0), "card.expiry_month"),
    ("Charge", with_card(month=13), "card.expiry_month"),
    ("Charge", with_card(year=30), "card.expiry_year"),
    ("Charge", with_card(year=-2030), "card.expiry_year"),
    ("Charge", with_card(code=""), "card.security_code"),
    ("Charge", with_card(code="12345"), "card.security_code"),
    ("Charge", with_card(code="abc"), "card.security_code"),
    ("Refund", pb.RefundRequest(order_id=ID), "charge_idempotency_key"),
    ("Refund", pb.RefundRequest(charge_idempotency_key="x" * 1000, order_id=ID), "charge_idempotency_key"),
    ("Refund", pb.RefundRequest(charge_idempotency_key=ID), "order_id"),
    ("GetPayment", pb.GetPaymentRequest(), "charge_idempotency_key"),
    ("GetPayment", pb.GetPaymentRequest(charge_idempotency_key="none"), "charge_idempotency_key"),
    ("ListPayments", pb.ListPaymentsRequest(page_size=-1), "page_size"),
    ("ListPayments", pb.ListPaymentsRequest(page_size=1001), "page_size"),
    ("ListPayments", pb.ListPaymentsRequest(page_token="x" * 257), "page_token"),
    ("ListPayments", pb.ListPaymentsRequest(page_token="made up"), "page_token"),
    ("ListPayments", pb.ListPaymentsRequest(page_token=paging.encode("orders", ID)), "page_token"),
]


@pytest.mark.parametrize(
    ("method", "request_", "field"), BAD, ids=[f"{bad[0]}-{bad[2]}-{i}" for i, bad in enumerate(BAD)]
)
async def test_bad_input_is_named_and_moves_no_money(
    payments: PaymentsServiceStub, method: str, request_: Any, field: str, url: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(payments, method)(request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in blamed(refused.value)
    assert gateway_ledger(url) == {}
    assert (await payments.ListPayments(pb.ListPaymentsRequest())).payments == []


async def test_several_mistakes_are_named_at_once(payments: PaymentsServiceStub) -> None:
    wrong = pb.ChargeRequest(idempotency_key="1", order_id="2", amount=euros(-1), card=card("x", month=0))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(wrong)
    assert set(blamed(refused.value)) >= {
        "idempotency_key",
        "order_id",
        "amount.units",
        "card.number",
        "card.expiry_month",
    }


async def test_the_contract_is_covered() -> None:
    service = pb.DESCRIPTOR.services_by_name["PaymentsService"]
    assert {method.name for method in service.methods} == {bad[0] for bad in BAD}
