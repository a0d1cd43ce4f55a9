"""A card's number and security code reach neither a log, nor a span, nor what a database writes, nor an answer."""

from __future__ import annotations

import re

import grpc
import pytest
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from sqlalchemy import text

from tests.hosting.databases import Databases, engine
from tests.inventory.service_process import running
from tests.payments.asking import DECLINED, GOOD, REPLY_LOST, UNAVAILABLE, card, charge, euros, refund

CODE = "9173"
MALFORMED_NUMBER, MALFORMED_CODE = "4242-4242-4242-4243", "secret-code"
NUMBERS = [GOOD, DECLINED, REPLY_LOST, UNAVAILABLE, MALFORMED_NUMBER, MALFORMED_CODE]


def leaks(content: bytes) -> list[str]:
    """What of the cards is in there: whole numbers, also by their first twelve digits, and security codes as values."""
    words = [number for number in NUMBERS if number[:12].encode() in content]
    # As a value of its own only: four digits also occur in timestamps.
    return words + re.findall(rf"""["'=: (\x00]{CODE}["',\s)\x00]""", content.decode("latin-1"))


async def try_everything(payments: PaymentsServiceStub, url: str) -> list[tuple[str, str]]:
    """Every kind of answer a charge can get, from OK to INTERNAL."""
    charged = charge(GOOD)
    other_body = charge(GOOD, key=charged.idempotency_key)
    wrong_number, wrong_code, wrong_amount = charge(), charge(), charge(amount=euros(1, 1))
    wrong_number.card.number = MALFORMED_NUMBER
    wrong_code.card.CopyFrom(card(code=MALFORMED_CODE))
    asked = [charged, other_body, charge(DECLINED), charge(UNAVAILABLE), charge(REPLY_LOST)]
    for request in (*asked, wrong_number, wrong_amount):
        request.card.security_code = CODE
    answers = [await answer(payments, request) for request in (*asked, wrong_number, wrong_code, wrong_amount)]
    await payments.Refund(refund(charged))
    beside = engine(url)
    with beside.begin() as connection:
        connection.execute(text("DROP TABLE gateway_ledger"))
    beside.dispose()
    broken = charge(GOOD)
    broken.card.security_code = CODE
    return [*answers, await answer(payments, broken)]


async def answer(payments: PaymentsServiceStub, request: pb.ChargeRequest) -> tuple[str, str]:
    """The code, and everything the caller is told."""
    try:
        return "OK", repr(await payments.Charge(request))
    except grpc.aio.AioRpcError as error:
        return error.code().name, f"{error!r} {error.trailing_metadata()}"


async def test_no_card_is_written_anywhere_whatever_the_answer(databases: Databases, url: str) -> None:
    verbose = {"LOG_LEVEL": "DEBUG", "OTEL_TRACES_EXPORTER": "console"}
    async with running("payments", url, **verbose) as service:
        answers = await try_everything(PaymentsServiceStub(service.channel), url)
        service.process.terminate()
        await service.process.wait()
        written = {"log": service.log.read_bytes()}  # nothing else runs here
    assert {code for code, _ in answers} == {
        "OK",
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "UNAVAILABLE",
        "INVALID_ARGUMENT",
        "INTERNAL",
    }
    written["answers"] = str(answers).encode()
    written["database"] = databases.written()
    assert b"/shop.payments.v1.PaymentsService/Charge" in written["log"]
    assert b"Traceback" in written["log"]  # also the one error that is logged whole
    assert b"trace_id" in written["log"]
    assert b"4242" in written["database"]
    assert {name: found for name, content in written.items() if (found := leaks(content))} == {}


@pytest.mark.parametrize(
    "planted",
    [
        '{"card": "4242424242424242"}',
        "4000 000000000002 4000000000000002",
        f'{{"security_code": "{CODE}"}}',
        f"code: {CODE}\n",
    ],
)
def test_a_planted_card_is_seen(planted: str) -> None:
    assert leaks(f"...{planted}...".encode()) != []
