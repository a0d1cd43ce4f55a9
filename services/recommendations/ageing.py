"""How much does what happened then count? Half as much as what happens a week later.

Nothing that is stored ever ages: what comes later counts more instead, so that weights are only added to, and two of
them compare the same today and tomorrow. They are powers of two, one for each week, so sums are exact: whatever is
learnt in whatever order, the result is the same. A double has room for them until 2045.
"""

from __future__ import annotations

from datetime import UTC, datetime

from services.hosting.clock import microseconds

WEEK = 7 * 86_400_000_000  # microseconds
FIRST_MONDAY = microseconds(datetime(2026, 1, 5, tzinfo=UTC))
MOST_WEEKS = 1000  # a sum of many must fit, too; and a clock may be wrong


def weight(at: int) -> float:
    """What one purchase, or one look, at that moment counts. Microseconds since 1970."""
    return float(2.0 ** min((at - FIRST_MONDAY) // WEEK, MOST_WEEKS))
