"""Every failure has a sentence for the customer, of its own and about what can be done."""

from __future__ import annotations

from services.orders import saga
from services.orders.explanations import explanation
from services.orders.saga import Progress, State
from services.payments.payment import Decline

OURS = {
    saga.INTERRUPTED,
    saga.OUT_OF_TIME,
    saga.RESERVATION_LOST,
    saga.INVENTORY_UNAVAILABLE,
    saga.PAYMENTS_UNAVAILABLE,
}
REASONS = sorted(OURS | {decline.value for decline in Decline} | {"OUT_OF_STOCK", "UNHEARD_OF"})


def failed(reason: str, product_id: str = "", available: int | None = None) -> str:
    return explanation(Progress(State.FAILED, (), reason, product_id, available))


def test_every_reason_has_one_sentence_of_its_own_that_says_what_to_do() -> None:
    sentences = [failed(reason) for reason in REASONS]
    assert len(set(sentences)) == len(REASONS)
    for sentence in sentences:
        assert sentence.count(".") == 1
        assert "you pay nothing" in sentence
        assert "order again" in sentence.partition(":")[2]


def test_too_few_pieces_are_counted() -> None:
    told = [failed("OUT_OF_STOCK", "amphora", available) for available in (None, 0, 1, 2)]
    assert [sentence.partition(",")[0] for sentence in told] == [
        "There are too few of amphora",
        "amphora is sold out",
        "Only 1 of amphora is left",
        "Only 2 of amphora are left",
    ]


def test_an_order_that_did_not_fail_is_not_explained() -> None:
    for state in (State.PENDING, State.CONFIRMED, State.COMPENSATING, State.CANCELLED):
        assert explanation(Progress(state, ())) == ""
