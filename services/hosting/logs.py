"""How does a service write its log? One JSON object a line on stdout, never a request's content.

Every call is a line, so a line must be cheap: with logging and python-json-logger it was a quarter of what a
server did for a small call. `writer` goes past both where it can.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from json import JSONEncoder
from threading import Lock
from typing import TextIO

from services.hosting.settings import HostSettings

trace_id: ContextVar[str] = ContextVar("trace_id", default="")

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
# What logging itself puts into a record; whatever else is there came with `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def configure(settings: HostSettings, stream: TextIO | None = None) -> None:
    """Send every record of the process to `stream` (stdout), with the pod's facts in each line."""
    root = logging.getLogger()
    root.handlers[:] = [JsonLines(settings, stream or sys.stdout)]
    root.setLevel(settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of every step otherwise


def trace_id_of(traceparent: str) -> str:
    """The trace id in a W3C traceparent header; empty when there is none or it is malformed."""
    found = _TRACEPARENT.match(traceparent)
    return found[1] if found else ""


Write = Callable[[Mapping[str, object]], None]


def writer(logger: logging.Logger, message: str) -> Write:
    """What writes a line with `message` and the given facts: as `logger.info(message, extra=facts)` does now.

    Straight to the process's handler when that is all there is between the logger and the stream.
    """
    handlers = logging.getLogger().handlers
    if not logger.isEnabledFor(logging.INFO):
        return lambda _: None
    if len(handlers) == 1 and isinstance(handlers[0], JsonLines):
        return handlers[0].writer(logger.name, message)
    return lambda facts: logger.info(message, extra=facts)


class JsonLines(logging.Handler):
    """Writes a record, its `extra` included, as one line."""

    def __init__(self, settings: HostSettings, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._writing = Lock()
        self._encode = JSONEncoder(default=str).encode  # json.dumps would make one for each line
        self._exceptions = logging.Formatter()
        self._off_by = settings.clock_off_by_seconds
        self._pod = {
            "service": settings.service_name,
            "version": settings.service_version,
            "pod": settings.pod_name,
        }

    def writer(self, logger: str, message: str) -> Write:
        """What writes lines that differ in their facts alone."""
        fixed = {"level": "INFO", "logger": logger, "message": message, **self._pod}

        def write(facts: Mapping[str, object]) -> None:
            self._write(time.time(), {**fixed, **facts})

        return write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self._line(record)
        except Exception:  # noqa: BLE001  # a message that does not go with its arguments: see _write
            self.handleError(record)
        else:
            self._write(record.created, line)

    def _line(self, record: logging.LogRecord) -> dict[str, object]:
        line: dict[str, object] = {
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._pod,
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            line["exc_info"] = self._exceptions.formatException(record.exc_info)
        return line

    def _write(self, moment: float, line: dict[str, object]) -> None:
        line["time"] = datetime.fromtimestamp(moment + self._off_by, UTC).isoformat()
        if found := trace_id.get():
            line["trace_id"] = found
        try:
            with self._writing:
                self._stream.write(f"{self._encode(line)}\n")
                self._stream.flush()
        except Exception:  # noqa: BLE001  # as in all of logging: what cannot be written stops nobody's work
            self.handleError(logging.makeLogRecord(line))
