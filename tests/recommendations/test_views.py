"""A look counts once in ten minutes, for products that exist, and none is lost while the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from shop.recommendations.v1 import recommendations_pb2 as pb
from shop.recommendations.v1.recommendations_pb2_grpc import RecommendationsServiceStub
from sqlalchemy import func, select

from services.hosting.clock import microseconds
from services.hosting.database import Database
from services.hosting.errors import DependencyUnavailable
from services.recommendations import views
from services.recommendations.ageing import FIRST_MONDAY as AT
from services.recommendations.lessons import View
from services.recommendations.tables import VIEWS
from services.recommendations.tidying import Tidying
from services.recommendations.views import AGAIN, MOST_WAITING, Inbox
from tests.hosting.running import FakeClock, reason
from tests.inventory.service_process import running
from tests.recommendations.learning import about, learnt, meet, reasons


async def looks(database: Database, *seen: View) -> None:
    inbox = Inbox(database)
    for view in seen:
        inbox.put(view)
    await inbox.feed()


async def viewed(database: Database) -> dict[str, float]:
    return {product: weight for product, (_, weight) in (await database.read(learnt))[0].items()}


async def test_looking_again_soon_counts_once(database: Database) -> None:
    await meet(database, mug="galley")
    for at in (AT, AT + 1, AT + AGAIN - 1):
        await looks(database, View(at, "mug", "jason"), View(at, "mug", "medea"))
        assert await viewed(database) == {"mug": 2}
    await looks(database, View(AT + AGAIN, "mug", "jason"))
    assert await viewed(database) == {"mug": 3}


async def test_a_look_that_two_replicas_hear_of_at_once_counts_once(database: Database) -> None:
    await meet(database, mug="galley", rope="deck")
    both = (View(AT, "mug", "jason"), View(AT + 1, "rope", "jason"))
    await asyncio.gather(*(looks(database, *both) for _ in range(8)))
    assert await database.read(learnt) == (
        {"mug": (0, 1), "rope": (0, 1)},
        {("mug", "rope"): (0, 1), ("rope", "mug"): (0, 1)},
    )


async def test_what_one_customer_looks_at_goes_together(
    recommendations: RecommendationsServiceStub, database: Database, inbox: Inbox, clock: FakeClock
) -> None:
    await meet(database, mug="galley", rope="deck", bell="deck")
    for customer, product in (("jason", "mug"), ("medea", "bell"), ("jason", "rope")):
        await recommendations.RecordView(pb.RecordViewRequest(customer_id=customer, product_id=product))
        await inbox.feed()
        clock.advance(60)
    assert reasons(await recommendations.ListRecommendations(about("mug", count=1))) == {"rope": "VIEWED_TOGETHER"}


async def test_a_look_at_what_does_not_exist_is_nothing(
    recommendations: RecommendationsServiceStub, database: Database, inbox: Inbox
) -> None:
    await meet(database, mug="galley")
    for product in ("ghost", "mug"):
        await recommendations.RecordView(pb.RecordViewRequest(customer_id="jason", product_id=product))
    await inbox.feed()
    await looks(database, View(AT, "ghost", "jason"))
    assert reasons(await recommendations.ListRecommendations(about())) == {"mug": "POPULAR"}
    assert await database.read(learnt) == ({"mug": (0, 0.5)}, {})


async def test_too_many_looks_are_refused_and_the_others_are_learnt(
    recommendations: RecommendationsServiceStub, database: Database, inbox: Inbox
) -> None:
    await meet(database, mug="galley")
    for number in range(MOST_WAITING):
        inbox.put(View(AT, "mug", f"guest-{number}"))
    asked = pb.RecordViewRequest(customer_id="jason", product_id="mug")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await recommendations.RecordView(asked)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason(refused.value) == "TOO_MANY_VIEWS"
    await inbox.feed()
    assert await viewed(database) == {"mug": MOST_WAITING}
    await recommendations.RecordView(asked)


class Failing:
    """A database whose next `times` writes fail after they were made: nobody was told."""

    def __init__(self, database: Database, times: int, error: Exception) -> None:
        self._database, self.times, self._error = database, times, error

    async def write(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        result = await self._database.write(work, *args, **kwargs)
        if self.times:
            self.times -= 1
            raise self._error
        return result


async def test_looks_wait_for_a_database_that_fails_and_count_once(database: Database) -> None:
    await meet(database, mug="galley", rope="deck")
    inbox = Inbox(Failing(database, 2, DependencyUnavailable("database")))  # type: ignore[arg-type]
    for product in ("mug", "rope"):
        inbox.put(View(AT, product, "jason"))
        with pytest.raises(DependencyUnavailable):
            await inbox.feed()
    await inbox.feed()
    assert await viewed(database) == {"mug": 1, "rope": 1}


async def test_looks_that_cannot_be_learnt_from_do_not_stand_before_the_others(database: Database) -> None:
    await meet(database, mug="galley", rope="deck")
    inbox = Inbox(Failing(database, 1, ZeroDivisionError()))  # type: ignore[arg-type]
    inbox.put(View(AT, "mug", "jason"))
    with pytest.raises(ZeroDivisionError):
        await inbox.feed()
    inbox.put(View(AT + AGAIN, "mug", "jason"))
    await inbox.feed()
    assert await viewed(database) == {"mug": 2}  # the first was written, and was not tried again


async def test_old_looks_are_forgotten(database: Database, clock: FakeClock) -> None:
    await meet(database, mug="galley")
    now = microseconds(clock.now())
    await looks(database, View(now, "mug", "jason"), View(now - views.REMEMBERED - 1, "mug", "medea"))
    await Tidying(database, lambda: now).tidy()
    assert await database.read(lambda connection: connection.scalar(select(func.count()).select_from(VIEWS))) == 1


@pytest.mark.processes
async def test_a_process_that_is_drained_loses_no_look(database: Database, url: str) -> None:
    nobody = {"ORDERS_SERVICE_ADDR": "127.0.0.1:9", "CATALOG_SERVICE_ADDR": "127.0.0.1:9"}
    await meet(database, mug="galley")
    async with running("recommendations", url, **nobody) as service:
        stub = RecommendationsServiceStub(service.channel)
        for number in range(50):
            await stub.RecordView(pb.RecordViewRequest(customer_id=f"guest-{number}", product_id="mug"))
        service.process.terminate()
        assert await service.process.wait() == 0
    (weight,) = (await viewed(database)).values()
    assert weight in {50 * 2.0**week for week in range(1000)}
