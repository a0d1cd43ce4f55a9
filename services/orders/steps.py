"""What does a step of the saga ask of which service, and what does the answer mean?

Every answer becomes an Outcome, a failed call too. A status that nobody expected means
that nobody knows what happened (Result.UNKNOWN), never that nothing did.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.payments.v1 import payments_pb2
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from mesh.resilience import deadline
from services.orders.error_info import info_of
from services.orders.money import money
from services.orders.order import Order
from services.orders.saga import INTERRUPTED, Outcome, Result, Step

Card = payments_pb2.Card
Call = Callable[[Order, Card | None], Awaitable[Outcome]]

DEPENDENCY: Mapping[Step, str] = MappingProxyType(
    {
        Step.RESERVE: "inventory",
        Step.CHARGE: "payments",
        Step.INQUIRE: "payments",
        Step.COMMIT: "inventory",
        Step.REFUND: "payments",
        Step.RELEASE: "inventory",
    }
)
"""Which service does a step."""

LEAST_SECONDS: Mapping[Step, float] = MappingProxyType({Step.RESERVE: 0.1, Step.CHARGE: 0.2})
"""With less of the caller's time left these are not begun: they would only have to be undone."""

DONE = Outcome(Result.DONE)
LOST = Outcome(Result.LOST)
UNKNOWN = Outcome(Result.UNKNOWN)
NO_FACTS: Mapping[str, str] = MappingProxyType({})

_MEANINGS: Mapping[tuple[Step, StatusCode], Outcome] = MappingProxyType(
    {
        (Step.RESERVE, StatusCode.NOT_FOUND): Outcome(Result.REFUSED, "OUT_OF_STOCK"),
        (Step.COMMIT, StatusCode.FAILED_PRECONDITION): LOST,
        (Step.COMMIT, StatusCode.NOT_FOUND): LOST,
        (Step.CHARGE, StatusCode.ALREADY_EXISTS): Outcome(Result.CONFLICT),
        (Step.INQUIRE, StatusCode.NOT_FOUND): Outcome(Result.ABSENT),
    }
)
_REASON_IF_NONE_IS_GIVEN: Mapping[Step, str] = MappingProxyType(
    {
        Step.RESERVE: "OUT_OF_STOCK",
        Step.CHARGE: "CARD_DECLINED",
    }
)
_SPECIAL_REASONS: Mapping[str, Outcome] = MappingProxyType(
    {
        "RESERVATION_RELEASED": LOST,
        "RESERVATION_EXPIRED": LOST,
        "CHARGE_VOIDED": Outcome(Result.REFUSED, INTERRUPTED),
        "CHARGE_REFUNDED": Outcome(Result.REFUSED, INTERRUPTED),
    }
)

_REFUSALS = frozenset({StatusCode.FAILED_PRECONDITION, StatusCode.INVALID_ARGUMENT})
_PIECES = re.compile("[0-9]{1,9}")


def meaning(step: Step, code: StatusCode, reason: str, facts: Mapping[str, str] = NO_FACTS) -> Outcome:
    """What a failed call says about its step."""
    if code in _REFUSALS and step in _REASON_IF_NONE_IS_GIVEN:
        available = facts.get("available", "")
        refused = Outcome(
            Result.REFUSED,
            reason or _REASON_IF_NONE_IS_GIVEN[step],
            facts.get("product_id", ""),
            int(available) if _PIECES.fullmatch(available) else None,
        )
        return _SPECIAL_REASONS.get(reason, refused)
    return _MEANINGS.get((step, code), UNKNOWN)


class Steps:
    """Does single steps of sagas by calling inventory and payments."""

    def __init__(self, inventory: InventoryServiceStub, payments: PaymentsServiceStub, logger: logging.Logger) -> None:
        self._inventory, self._payments, self._logger = inventory, payments, logger
        self._calls: Mapping[Step, Call] = {
            Step.RESERVE: self._reserve,
            Step.CHARGE: self._charge,
            Step.INQUIRE: self._inquire,
            Step.COMMIT: self._commit,
            Step.REFUND: self._refund,
            Step.RELEASE: self._release,
        }

    async def perform(self, step: Step, order: Order, card: Card | None) -> Outcome:
        """Do `step` for `order`. Charging needs the card; the other steps do not look at it.

        What is for the caller alone is done within the caller's deadline or not at all. What the
        shop owes, because money or stock is in its hands, does not end with the caller's patience.
        """
        if order.progress.paid or step not in LEAST_SECONDS:
            with deadline.detached():
                return await self._answered(step, order, card)
        left = deadline.remaining()
        if left is not None and left < LEAST_SECONDS[step]:
            return Outcome(Result.TOO_LATE)
        return await self._answered(step, order, card)

    async def _answered(self, step: Step, order: Order, card: Card | None) -> Outcome:
        try:
            return await self._calls[step](order, card)
        except AioRpcError as error:
            info = info_of(error)
            outcome = meaning(step, error.code(), info.reason, info.metadata)
            if outcome is UNKNOWN:
                facts = {"order_id": order.order_id, "step": step.value, "code": error.code().name}
                self._logger.warning("saga step not answered", extra=facts | {"reason": info.reason})
            return outcome

    async def _reserve(self, order: Order, _: Card | None) -> Outcome:
        lines = [inventory_pb2.StockLine(product_id=line.product_id, quantity=line.quantity) for line in order.lines]
        answer = await self._inventory.Reserve(
            inventory_pb2.ReserveRequest(reservation_id=order.reservation_id, order_id=order.order_id, lines=lines)
        )
        # Reserving again returns the reservation as it is, and that may be over.
        over = (inventory_pb2.RESERVATION_STATE_RELEASED, inventory_pb2.RESERVATION_STATE_EXPIRED)
        return LOST if answer.reservation.state in over else DONE

    async def _charge(self, order: Order, card: Card | None) -> Outcome:
        answer = await self._payments.Charge(
            payments_pb2.ChargeRequest(
                idempotency_key=order.charge_key,
                order_id=order.order_id,
                amount=money(order.currency, order.total),
                card=card,
            )
        )
        return _paid(answer.payment)

    async def _inquire(self, order: Order, _: Card | None) -> Outcome:
        request = payments_pb2.GetPaymentRequest(charge_idempotency_key=order.charge_key)
        return _paid((await self._payments.GetPayment(request)).payment)

    async def _commit(self, order: Order, _: Card | None) -> Outcome:
        await self._inventory.Commit(inventory_pb2.CommitRequest(reservation_id=order.reservation_id))
        return DONE

    async def _refund(self, order: Order, _: Card | None) -> Outcome:
        await self._payments.Refund(
            payments_pb2.RefundRequest(charge_idempotency_key=order.charge_key, order_id=order.order_id)
        )
        return DONE

    async def _release(self, order: Order, _: Card | None) -> Outcome:
        await self._inventory.Release(inventory_pb2.ReleaseRequest(reservation_id=order.reservation_id))
        return DONE


def _paid(payment: payments_pb2.Payment) -> Outcome:
    match payment.state:
        case payments_pb2.PAYMENT_STATE_CHARGED:
            return DONE
        case payments_pb2.PAYMENT_STATE_DECLINED:
            return Outcome(Result.REFUSED, payment.decline_reason or _REASON_IF_NONE_IS_GIVEN[Step.CHARGE])
        case _:  # refunded or voided: somebody has turned back already
            return Outcome(Result.REFUSED, INTERRUPTED)
