"""What time is it? An argument, so that tests decide."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def now(self) -> datetime:
        """The time of day, in UTC."""


class SystemClock:
    """The machine's clock, or one whose time of day is off by some seconds, as experiments have it."""

    def __init__(self, off_by: float = 0.0) -> None:
        self._off_by = timedelta(seconds=off_by)

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off_by


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly: how databases keep times."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def timestamp(microseconds: int) -> Timestamp:
    """That many microseconds after 1970 began: how contracts write times."""
    written = Timestamp()
    written.FromMicroseconds(microseconds)
    return written
