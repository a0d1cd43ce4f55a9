"""How does a service write its log? One JSON object a line on stdout, never a request's content."""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar
from typing import TextIO

from pythonjsonlogger.json import JsonEncoder, JsonFormatter

from services.hosting.settings import HostSettings

trace_id: ContextVar[str] = ContextVar("trace_id", default="")

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def configure(settings: HostSettings, stream: TextIO | None = None) -> None:
    """Send every record of the process to `stream` (stdout), with the pod's facts in each line."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_formatter(settings))
    handler.addFilter(_add_trace_id)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of every step otherwise


def trace_id_of(traceparent: str) -> str:
    """The trace id in a W3C traceparent header; empty when there is none or it is malformed."""
    found = _TRACEPARENT.match(traceparent)
    return found[1] if found else ""


def _formatter(settings: HostSettings) -> logging.Formatter:
    encode = JsonEncoder().encode
    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={
            "service": settings.service_name,
            "version": settings.service_version,
            "pod": settings.pod_name,
        },
        timestamp="time",
        # One encoder for all lines; json.dumps would make one for each.
        json_serializer=lambda line, **_: encode(line),
    )


def _add_trace_id(record: logging.LogRecord) -> bool:
    if found := trace_id.get():
        record.trace_id = found
    return True
