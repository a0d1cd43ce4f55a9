"""The fuzz finds what it looks for: bugs, words from inside and secrets, planted one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import hypothesis
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from grpc import StatusCode
from shop.catalog.v1.catalog_pb2 import GetProductRequest
from shop.payments.v1.payments_pb2 import Card, ChargeRequest

from services.hosting.errors import NotFound
from tests.fuzz.budget import fuzzed
from tests.fuzz.messages import requests
from tests.fuzz.shop_inside import answered
from tests.fuzz.verdict import Answer, complaints
from tests.hosting.four import FOUR, Behaviour, answer, four

KNOWN = {"product_id": ["mug", "rope"]}
CHARGE = ChargeRequest(card=Card(number="4242424242424242", security_code="123"))


async def bug_behind_one_product(request: GetProductRequest, context: object) -> object:
    if request.product_id == "rope":
        raise KeyError(request.product_id)
    return await answer(request, context)


async def talkative(request: GetProductRequest, context: object) -> object:
    if request.product_id == "rope":
        raise NotFound("NOT_FOUND", "sqlalchemy.exc.NoResultFound: No row was found")
    return await answer(request, context)


@contextmanager
def served(behave: Behaviour) -> Iterator[tuple[BlockingPortal, grpc.aio.Channel]]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(four(behave)) as channel:
        yield portal, channel


@pytest.mark.parametrize(("behave", "complaint"), [(bug_behind_one_product, "INTERNAL"), (talkative, "sqlalchemy")])
def test_a_bug_behind_one_product_is_found(behave: Behaviour, complaint: str) -> None:
    found = set[str]()

    with served(behave) as (portal, channel):

        @fuzzed
        @hypothesis.given(requests(GetProductRequest.DESCRIPTOR, KNOWN))
        def ask(content: bytes) -> None:
            path = f"/{FOUR.full_name}/UnaryUnary"
            came: Answer = portal.call(lambda: answered(channel, path, content, (), streaming=False))
            found.update(complaints(came, None))

        ask()
    assert [text for text in found if complaint in text]


def test_an_answer_may_refuse_for_every_reason_that_has_a_name() -> None:
    said = "EMPTY_CART\nlines must have at least 1"
    assert complaints(Answer(StatusCode.INVALID_ARGUMENT, said), CHARGE) == []


@pytest.mark.parametrize("code", ["INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"])
def test_an_answer_may_not_confess_a_bug(code: str) -> None:
    assert complaints(Answer(StatusCode[code], "internal error"), CHARGE) != []


@pytest.mark.parametrize(
    "said",
    [
        'File "/app/services/orders/book.py", line 12',
        "SELECT id FROM products",
        "psycopg.errors.UniqueViolation",
        "ValueError('mug')",
        "<shop.orders.Order object at 0x7f12>",
    ],
)
def test_an_answer_may_not_tell_how_it_looks_inside(said: str) -> None:
    assert complaints(Answer(StatusCode.NOT_FOUND, said), CHARGE) != []


def test_an_answer_may_not_repeat_what_is_private() -> None:
    said = "the card 4242424242424242 is declined"
    assert complaints(Answer(StatusCode.FAILED_PRECONDITION, said), CHARGE) == ["it repeats the private number"]
