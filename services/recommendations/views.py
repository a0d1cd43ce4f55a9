"""How are looks at products learnt from? Together, once a second: nobody waits for the disk to have looked.

One of a customer at a product counts in ten minutes, whichever replicas hear of it. A process that is killed loses the
looks of its last second; one that is drained loses none.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from services.hosting.database import Database, inserting
from services.hosting.errors import DependencyUnavailable, Overloaded
from services.recommendations import knowledge
from services.recommendations.lessons import SITTING, View, of_views
from services.recommendations.tables import VIEWS

AGAIN = 10 * 60_000_000  # microseconds after which looking again counts again
REMEMBERED = AGAIN + SITTING
MOST_WAITING = 5000
"""Looks that wait at most: all of them fit into one statement."""

_COLUMNS = (VIEWS.c.at, VIEWS.c.product_id, VIEWS.c.customer_id)


class Inbox:
    """Looks that are not learnt from yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[str, str], View] = {}
        self._learning: dict[tuple[str, str], View] = {}

    def put(self, view: View) -> None:
        """Take it in. Raises Overloaded."""
        if len(self._waiting) + len(self._learning) >= MOST_WAITING:
            raise Overloaded("TOO_MANY_VIEWS", "more looks than can be learnt from", retry_in=1.0)
        self._waiting.setdefault((view.customer_id, view.product_id), view)

    async def feed(self) -> None:
        """Learn from what waits. Raises DependencyUnavailable; then it waits on, and counts once whatever was done."""
        self._learning, self._waiting = self._learning | self._waiting, {}
        if not self._learning:
            return
        try:
            await self._database.write(learn, list(self._learning.values()))
        except DependencyUnavailable:
            raise
        except Exception:
            self._learning = {}  # a look that cannot be learnt from must not stand before all others for ever
            raise
        self._learning = {}


def learn(connection: Connection, views: Collection[View]) -> None:
    """Learn from looks at products that exist, unless the customer had looked just before."""
    exist = knowledge.known(connection, {view.product_id for view in views})
    looks = sorted((view for view in views if view.product_id in exist), key=lambda each: each[::-1])
    if new := _remember(connection, looks) if looks else []:
        earliest = min(view.at for view in new)
        recent = _recent(connection, {view.customer_id for view in new}, earliest - SITTING)
        knowledge.learn(connection, of_views(new, recent))


def forget(connection: Connection, now: int) -> int:
    """Forget looks that neither keep another from counting nor are company for one; how many."""
    return connection.execute(delete(VIEWS).where(VIEWS.c.at < now - REMEMBERED)).rowcount


def _remember(connection: Connection, views: Collection[View]) -> list[View]:
    """Those of the looks that count."""
    fresh = inserting(connection, VIEWS).values([view._asdict() for view in views])
    again = VIEWS.c.at <= fresh.excluded.at - AGAIN
    upsert = fresh.on_conflict_do_update(index_elements=VIEWS.primary_key, set_={"at": fresh.excluded.at}, where=again)
    return [View(*row) for row in connection.execute(upsert.returning(*_COLUMNS))]


def _recent(connection: Connection, customers: Collection[str], since: int) -> list[View]:
    """All that these customers have looked at since."""
    found = select(*_COLUMNS).where(VIEWS.c.customer_id.in_(customers), VIEWS.c.at >= since)
    return [View(*row) for row in connection.execute(found)]
