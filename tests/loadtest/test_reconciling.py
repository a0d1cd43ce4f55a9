"""A harness is to find out when it or the servers count wrong; so it is given books that are cooked."""

from collections import Counter
from collections.abc import Mapping

import pytest
from grpc import StatusCode

from loadtest.generator.seen import Answers
from loadtest.outcome import Kind, Outcome
from loadtest.reconciling import Books, Compared, Says, compared
from loadtest.server_calls import ATTEMPTED, HANDLED, Series

GET = "/shop.catalog.v1.CatalogService/GetProduct"


def books(
    handled: float, *, asked_inside: float = 0, began: float = 1.0, silent: frozenset[str] = frozenset()
) -> Books:
    counts: Mapping[Series, float] = {
        Series("catalog", "catalog-v1-a", began, HANDLED, GET, "OK"): handled,
        Series("catalog", "catalog-v1-a", began, HANDLED, GET, "UNAVAILABLE"): 77.0,
        Series("storefront", "storefront-a", 1.0, ATTEMPTED, GET, "OK"): asked_inside,
    }
    return Books(counts, silent)


def says(answers: Answers, after: Books) -> Compared:
    [found] = compared(answers, books(1000), after)
    return found


ANSWERED = Answers(ok=Counter({"GetProduct": 500}))


def test_servers_that_answered_what_was_sent_agree() -> None:
    assert says(ANSWERED, books(1500)).says is Says.AGREE


@pytest.mark.parametrize("servers", [1499, 1000])
def test_a_server_cannot_have_answered_fewer_calls_than_were_answered(servers: float) -> None:
    found = says(ANSWERED, books(servers))
    assert found.says is Says.DISAGREE
    assert str(found) == f"GetProduct: the generator counts 500, the servers {servers - 1000:.0f}"


def test_servers_may_have_answered_calls_whose_answers_were_lost() -> None:
    lost = Answers(ok=Counter({"GetProduct": 400}), lost=Counter({"GetProduct": 100}))
    assert says(lost, books(1500)).says is Says.AGREE
    assert says(lost, books(1400)).says is Says.AGREE
    assert says(lost, books(1600)).says is Says.DISAGREE


def test_somebody_else_who_uses_the_shop_is_noticed() -> None:
    assert says(ANSWERED, books(1505)).says is Says.AGREE, "a few strays are nothing"
    assert says(ANSWERED, books(1550)).says is Says.DISAGREE


def test_what_services_ask_of_each_other_is_taken_off() -> None:
    assert says(ANSWERED, books(1800, asked_inside=300)).says is Says.AGREE
    assert says(ANSWERED, books(1800, asked_inside=0)).says is Says.DISAGREE


def test_a_process_that_began_anew_took_its_counts_with_it() -> None:
    assert says(ANSWERED, books(200, began=2.0)).says is Says.UNKNOWN


def test_a_pod_that_does_not_answer_makes_the_comparison_void() -> None:
    assert says(ANSWERED, books(1200, silent=frozenset({"catalog-v1-b"}))).says is Says.UNKNOWN


def test_an_answer_counts_as_a_servers_and_a_silence_as_lost() -> None:
    answers = Answers()
    for code, pod in ((StatusCode.OK, "a"), (StatusCode.NOT_FOUND, "a"), (StatusCode.DEADLINE_EXCEEDED, "")):
        answers.count(Outcome(code, Kind.OK, pod=pod, label="GetProduct"))
    assert (answers.ok, answers.lost) == ({"GetProduct": 1}, {"GetProduct": 1})
