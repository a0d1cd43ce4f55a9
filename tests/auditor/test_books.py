"""Each discrepancy, planted in balanced books, is found by its name, with its ids, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from services.auditor import books
from services.auditor.books import Books, discrepancies
from tests.auditor.ledgers import CANCELLED, CONFIRMED, FAILED, Ledgers, eur

CHARGED = payments_pb2.PAYMENT_STATE_CHARGED
HELD = inventory_pb2.RESERVATION_STATE_HELD


def charge_twice(ledgers: Ledgers) -> None:
    ledgers.payments["second"] = payments_pb2.Payment(
        idempotency_key="charge second", order_id="order confirmed", amount=eur(25), state=CHARGED
    )


def charge_nobody(ledgers: Ledgers) -> None:
    ledgers.payments["stray"] = payments_pb2.Payment(
        idempotency_key="charge stray", order_id="order nobody placed", amount=eur(25), state=CHARGED
    )


def lose_payment(ledgers: Ledgers) -> None:
    del ledgers.payments[CONFIRMED]


def refund_confirmed(ledgers: Ledgers) -> None:
    ledgers.payments[CONFIRMED].state = payments_pb2.PAYMENT_STATE_REFUNDED


def keep_money_of(name: str) -> Callable[[Ledgers], None]:
    def plant(ledgers: Ledgers) -> None:
        ledgers.payments[name].state = CHARGED

    return plant


def charge_less(ledgers: Ledgers) -> None:
    ledgers.payments[CONFIRMED].amount.CopyFrom(eur(24))


def charge_other_currency(ledgers: Ledgers) -> None:
    ledgers.payments[CONFIRMED].amount.currency_code = "JPY"


def charge_under_other_key(ledgers: Ledgers) -> None:
    ledgers.payments[CONFIRMED].idempotency_key = "charge somehow"


def lose_reservation(ledgers: Ledgers) -> None:
    del ledgers.reservations[CONFIRMED]
    ledgers.mugs.available, ledgers.mugs.committed = 10, 0


def release_confirmed(ledgers: Ledgers) -> None:
    ledgers.reservations[CONFIRMED].state = inventory_pb2.RESERVATION_STATE_RELEASED
    ledgers.mugs.available, ledgers.mugs.committed = 10, 0


def never_commit(ledgers: Ledgers) -> None:
    ledgers.reservations[CONFIRMED].state = HELD
    ledgers.mugs.reserved, ledgers.mugs.committed = 2, 0


def commit_fewer(ledgers: Ledgers) -> None:
    ledgers.reservations[CONFIRMED].lines[0].quantity = 1
    ledgers.mugs.available, ledgers.mugs.committed = 9, 1


def hold_for(name: str) -> Callable[[Ledgers], None]:
    def plant(ledgers: Ledgers) -> None:
        ledgers.hold(name)

    return plant


def never_release(ledgers: Ledgers) -> None:
    ledgers.reservations[FAILED].state = HELD
    ledgers.mugs.available, ledgers.mugs.reserved = 6, 2


def return_nothing(ledgers: Ledgers) -> None:
    ledgers.reservations[CANCELLED].state = inventory_pb2.RESERVATION_STATE_COMMITTED
    ledgers.mugs.available, ledgers.mugs.committed = 6, 4


def make_mugs(ledgers: Ledgers) -> None:
    ledgers.mugs.available += 1


def miscount(ledgers: Ledgers) -> None:
    ledgers.mugs.available -= 1
    ledgers.mugs.reserved += 1


def oversell(ledgers: Ledgers) -> None:
    ledgers.mugs.received, ledgers.mugs.available = 1, -1


def leave_unfinished(ledgers: Ledgers) -> None:
    ledgers.orders[FAILED].state = orders_pb2.ORDER_STATE_COMPENSATING


def leave_charged_and_held(ledgers: Ledgers) -> None:
    ledgers.orders[FAILED].state = orders_pb2.ORDER_STATE_CHARGED
    never_release(ledgers)
    keep_money_of(FAILED)(ledgers)


PLANTED: list[tuple[Callable[[Ledgers], None], str, set[str]]] = [
    (charge_twice, "DOUBLE_CHARGE", {"order confirmed", "charge confirmed", "charge second"}),
    (charge_nobody, "CHARGE_WITHOUT_ORDER", {"order nobody placed", "charge stray"}),
    (lose_payment, "PAID_ORDER_WITHOUT_CHARGE", {"order confirmed", "charge confirmed"}),
    (refund_confirmed, "PAID_ORDER_WITHOUT_CHARGE", {"order confirmed", "charge confirmed"}),
    (keep_money_of(FAILED), "CHARGED_BUT_NOT_CONFIRMED", {"order failed", "charge failed"}),
    (keep_money_of(CANCELLED), "CHARGED_BUT_NOT_CONFIRMED", {"order cancelled", "charge cancelled"}),
    (charge_less, "WRONG_AMOUNT", {"order confirmed", "charge confirmed"}),
    (charge_other_currency, "WRONG_AMOUNT", {"order confirmed", "charge confirmed"}),
    (charge_under_other_key, "WRONG_CHARGE_KEY", {"order confirmed", "charge confirmed"}),
    (lose_reservation, "CONFIRMED_WITHOUT_STOCK", {"order confirmed", "reservation confirmed"}),
    (release_confirmed, "CONFIRMED_WITHOUT_STOCK", {"order confirmed", "reservation confirmed"}),
    (never_commit, "CONFIRMED_WITHOUT_STOCK", {"order confirmed", "reservation confirmed"}),
    (commit_fewer, "CONFIRMED_WITHOUT_STOCK", {"order confirmed", "reservation confirmed"}),
    (never_release, "LEAKED_RESERVATION", {"order failed", "reservation failed"}),
    (return_nothing, "LEAKED_RESERVATION", {"order cancelled", "reservation cancelled"}),
    (hold_for(CONFIRMED), "LEAKED_RESERVATION", {"order confirmed", "reservation of nobody"}),
    (hold_for("stray"), "RESERVATION_WITHOUT_ORDER", {"order stray", "reservation of nobody"}),
    (make_mugs, "STOCK_NOT_CONSERVED", {"mug"}),
    (miscount, "STOCK_NOT_CONSERVED", {"mug"}),
    (oversell, "STOCK_NOT_CONSERVED", {"mug"}),
    (leave_unfinished, "UNSETTLED", {"order failed"}),
    (leave_charged_and_held, "UNSETTLED", {"order failed"}),
]


def test_balanced_books_have_no_discrepancy() -> None:
    assert discrepancies(Ledgers().books()) == []


def test_empty_books_have_no_discrepancy() -> None:
    assert discrepancies(Books([], [], [], [])) == []


@pytest.mark.parametrize(("plant", "name", "ids"), PLANTED)
def test_what_is_planted_is_found_and_only_that(plant: Callable[[Ledgers], None], name: str, ids: set[str]) -> None:
    ledgers = Ledgers()
    plant(ledgers)
    (found,) = discrepancies(ledgers.books())
    assert (found.name, {value for _, value in found.ids}) == (name, ids)
    assert found.detail


def test_every_name_that_is_documented_has_been_planted() -> None:
    documented = {
        line.split()[0] for line in (books.__doc__ or "").splitlines() if line.startswith("    ") and line[4].isupper()
    }
    assert documented == {name for _, name, _ in PLANTED}


def test_a_second_charge_counts_also_while_its_order_is_in_flight() -> None:
    ledgers = Ledgers()
    ledgers.orders[CONFIRMED].state = orders_pb2.ORDER_STATE_CHARGED
    charge_twice(ledgers)
    assert [found.name for found in discrepancies(ledgers.books())] == ["DOUBLE_CHARGE", "UNSETTLED"]
