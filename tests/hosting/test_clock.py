"""A service told that its clock is off keeps other times of day, in its log, too, and waits no longer than others."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from services.hosting.clock import SystemClock
from services.hosting.logs import JsonLines
from tests.hosting.running import settings

AN_HOUR = 3600.0


@pytest.mark.parametrize("off_by", [0.0, AN_HOUR, -AN_HOUR])
def test_only_the_time_of_day_is_off(off_by: float) -> None:
    clock, right = SystemClock(off_by), SystemClock()
    assert abs(clock.now() - right.now() - timedelta(seconds=off_by)) < timedelta(minutes=1)
    assert abs(clock.monotonic() - right.monotonic()) < timedelta(minutes=1).total_seconds()


@pytest.mark.parametrize("off_by", [0.0, AN_HOUR])
def test_its_log_says_the_time_it_believes(off_by: float) -> None:
    stream = io.StringIO()
    JsonLines(settings(clock_off_by_seconds=off_by), stream).handle(logging.makeLogRecord({"msg": "served"}))
    said = datetime.fromisoformat(json.loads(stream.getvalue())["time"])
    assert abs(said - datetime.now(UTC) - timedelta(seconds=off_by)) < timedelta(minutes=1)
