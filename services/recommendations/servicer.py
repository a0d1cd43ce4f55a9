"""What does recommendations answer? From its own database, and without asking anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grpc.aio import ServicerContext
from shop.recommendations.v1 import recommendations_pb2 as pb
from shop.recommendations.v1 import recommendations_pb2_grpc

from services.hosting.customer import customer_of
from services.hosting.database import Database
from services.hosting.errors import InvalidRequest
from services.recommendations import ageing, knowledge, lots
from services.recommendations.lessons import View
from services.recommendations.scoring import best
from services.recommendations.views import Inbox

Context = ServicerContext[Any, Any]

DEFAULT_COUNT = 4


class RecommendationsServicer(recommendations_pb2_grpc.RecommendationsServiceServicer):
    """Requests arrive validated; `now` is in microseconds since 1970."""

    def __init__(self, database: Database, inbox: Inbox, now: Callable[[], int]) -> None:
        self._database, self._inbox, self._now = database, inbox, now

    async def ListRecommendations(
        self, request: pb.ListRecommendationsRequest, _: Context
    ) -> pb.ListRecommendationsResponse:
        count, factor = request.count or DEFAULT_COUNT, lots.factor(request.seed)
        # Half of the others may be tied to what was asked about, and come first anyway.
        asked = list(dict.fromkeys(request.product_ids))
        evidence = await self._database.read(knowledge.evidence, asked, factor=factor, others=2 * count)
        found = best(evidence, count=count, factor=factor, today=ageing.weight(self._now()))
        return pb.ListRecommendationsResponse(
            recommendations=[
                pb.Recommendation(product_id=product_id, reason=pb.Reason.Value(f"REASON_{reason.value}"))
                for product_id, reason in found
            ]
        )

    async def RecordView(self, request: pb.RecordViewRequest, context: Context) -> pb.RecordViewResponse:
        customer_of(context.invocation_metadata()).require_use(request.customer_id)
        if "\0" in request.customer_id:  # PostgreSQL would refuse it, and every other look that is learnt with it
            raise InvalidRequest("TEXT_INVALID", "must not hold the character U+0000", field="customer_id")
        self._inbox.put(View(self._now(), request.product_id, request.customer_id))
        return pb.RecordViewResponse()
