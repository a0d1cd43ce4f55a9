"""What recommendations promises in its contract, asked over gRPC, from a database of either kind."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from shop.recommendations.v1 import recommendations_pb2 as pb
from shop.recommendations.v1.recommendations_pb2_grpc import RecommendationsServiceStub
from sqlalchemy import Connection, event

from services.hosting.database import Database
from services.recommendations import knowledge, lots
from services.recommendations.ageing import FIRST_MONDAY, WEEK
from services.recommendations.views import Inbox
from tests.cart.asking import FROM_OUTSIDE, signed_in
from tests.hosting.running import blamed, reason
from tests.recommendations.learning import about, buy, learnt, meet, reasons

LONG = "x" * 65


async def test_a_shop_nobody_knows_recommends_nothing(recommendations: RecommendationsServiceStub) -> None:
    assert reasons(await recommendations.ListRecommendations(about("mug"))) == {}


async def test_a_shop_that_has_sold_nothing_recommends_the_same_category(
    recommendations: RecommendationsServiceStub, database: Database
) -> None:
    await meet(database, mug="galley", bowl="galley", plate="galley", rope="deck", bell="deck", lamp="")
    found = reasons(await recommendations.ListRecommendations(about("mug", count=5)))
    assert list(found.values()) == ["SAME_CATEGORY"] * 2 + ["OTHER"] * 3
    assert set(found) == {"bowl", "plate", "rope", "bell", "lamp"}


async def test_what_is_bought_together_comes_first_and_what_was_asked_about_never(
    recommendations: RecommendationsServiceStub, database: Database
) -> None:
    await meet(database, mug="galley", bowl="galley", rope="deck", bell="deck", lamp="deck")
    await buy(database, "mug rope", "rope mug", "mug bell", "lamp", "lamp")
    assert reasons(await recommendations.ListRecommendations(about("mug"))) == {
        "rope": "BOUGHT_TOGETHER",
        "bell": "BOUGHT_TOGETHER",
        "bowl": "SAME_CATEGORY",
        "lamp": "POPULAR",
    }
    assert reasons(await recommendations.ListRecommendations(about("mug", "rope", count=2))) == {
        "bell": "BOUGHT_TOGETHER",
        "lamp": "POPULAR",
    }


async def test_without_a_product_the_most_popular_come_and_newer_purchases_count_more(
    recommendations: RecommendationsServiceStub, database: Database
) -> None:
    await meet(database, mug="galley", rope="deck", bell="deck")
    await buy(database, "rope", "rope", "rope")
    await buy(database, "bell", at=FIRST_MONDAY + 2 * WEEK)
    assert reasons(await recommendations.ListRecommendations(about())) == {
        "bell": "POPULAR",
        "rope": "POPULAR",
        "mug": "OTHER",
    }


async def test_one_seed_is_one_answer_and_four_is_the_usual_count(
    recommendations: RecommendationsServiceStub, database: Database
) -> None:
    await meet(database, **dict.fromkeys([f"p{number}" for number in range(30)], "deck"))
    asked = [about("p0", seed=seed) for seed in (-(2**63), 0, 1, 2, 2**63 - 1)]
    answers = [await recommendations.ListRecommendations(request) for request in asked]
    assert [await recommendations.ListRecommendations(request) for request in asked] == answers
    assert {len(answer.recommendations) for answer in answers} == {4}
    assert len({tuple(reasons(answer)) for answer in answers}) == 5


async def test_the_database_draws_the_same_lots(database: Database) -> None:
    names = [f"p{number}" for number in range(40)]
    await meet(database, **dict.fromkeys(names, "deck"))
    factor = lots.factor(7)
    found = await database.read(knowledge.evidence, [], factor=factor, others=40)
    expected = sorted(names, key=lambda name: lots.lot(lots.number(name), factor))
    assert [product.product_id for product in found.others] == expected


async def test_a_product_that_changes_its_category_keeps_what_is_known(
    recommendations: RecommendationsServiceStub, database: Database
) -> None:
    await buy(database, "mug rope")
    await meet(database, mug="galley", rope="deck", bowl="deck")
    await meet(database, mug="galley", rope="deck", bowl="galley")
    assert reasons(await recommendations.ListRecommendations(about("mug"))) == {
        "rope": "BOUGHT_TOGETHER",
        "bowl": "SAME_CATEGORY",
    }


async def test_three_statements_answer_whatever_is_asked(database: Database) -> None:
    def statements(connection: Connection, asked: list[str]) -> int:
        said: list[str] = []

        def count(_: Any, __: Any, statement: str, *___: Any) -> None:
            said.append(statement)

        event.listen(connection.engine, "before_cursor_execute", count)
        knowledge.evidence(connection, asked, factor=1, others=40)
        event.remove(connection.engine, "before_cursor_execute", count)
        return len(said)

    for asked in ([], ["mug"], [f"p{number}" for number in range(50)]):
        assert await database.read(statements, asked) == 3


BAD = [
    ("ListRecommendations", about(*["p"] * 51), "product_ids"),
    ("ListRecommendations", about("mug", ""), "product_ids[1]"),
    ("ListRecommendations", about(LONG), "product_ids[0]"),
    ("ListRecommendations", about(count=21), "count"),
    ("ListRecommendations", about(count=-1), "count"),
    ("RecordView", pb.RecordViewRequest(product_id="mug"), "customer_id"),
    ("RecordView", pb.RecordViewRequest(customer_id=LONG, product_id="mug"), "customer_id"),
    ("RecordView", pb.RecordViewRequest(customer_id="jason", product_id="'; --"), "product_id"),
    ("RecordView", pb.RecordViewRequest(customer_id="jason"), "product_id"),
    ("RecordView", pb.RecordViewRequest(customer_id="jason\0", product_id="mug"), "customer_id"),
]


@pytest.mark.parametrize(("method", "request_", "field"), BAD, ids=[f"{bad[0]}-{i}" for i, bad in enumerate(BAD)])
async def test_bad_input_is_named(
    recommendations: RecommendationsServiceStub, method: str, request_: Any, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(recommendations, method)(request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in blamed(refused.value)


async def test_nobody_looks_in_another_customers_name(
    recommendations: RecommendationsServiceStub, database: Database, inbox: Inbox
) -> None:
    await meet(database, mug="galley")
    look = pb.RecordViewRequest(customer_id="user-medea", product_id="mug")
    for stranger in (FROM_OUTSIDE, signed_in("user-jason")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await recommendations.RecordView(look, metadata=stranger)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert reason(refused.value) == "NOT_YOURS"
    await inbox.feed()
    assert (await database.read(learnt))[0] == {}
    await recommendations.RecordView(look, metadata=signed_in("user-medea"))
    await inbox.feed()
    assert (await database.read(learnt))[0].keys() == {"mug"}
