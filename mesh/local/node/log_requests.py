"""Which part of a log was asked for? The options of `kubectl logs`, read from the request's query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_BLOCK = 64 * 1024


class BadLogRequest(Exception):
    """An option has no usable value."""


@dataclass(frozen=True)
class LogRequest:
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: float | None = None
    """Seconds since the epoch."""

    @classmethod
    def of(cls, query: Mapping[str, str], now: float) -> LogRequest:
        """The request in `query`. Raises BadLogRequest."""
        try:
            since = now - int(query["sinceSeconds"]) if "sinceSeconds" in query else None
            if "sinceTime" in query:
                since = datetime.fromisoformat(query["sinceTime"]).timestamp()
            return cls(
                follow=_true(query, "follow"),
                previous=_true(query, "previous"),
                timestamps=_true(query, "timestamps"),
                tail_lines=_number(query, "tailLines"),
                limit_bytes=_number(query, "limitBytes"),
                since=since,
            )
        except ValueError as error:
            raise BadLogRequest(str(error)) from error


def tail_offset(path: Path, lines: int) -> int:
    """Where the last `lines` lines of the file begin."""
    with path.open("rb") as file:
        end = position = file.seek(0, 2)
        if lines == 0:
            return end
        wanted = lines + 1  # the newline before the first of them; the last one's own is passed over
        passed = end - 1 if end and _last_byte(path) != b"\n" else None
        if passed is not None:
            wanted = lines
        while position > 0:
            size = min(_BLOCK, position)
            position -= size
            file.seek(position)
            block = file.read(size)
            count = block.count(b"\n")
            if count >= wanted:
                return position + _nth_newline_from_end(block, wanted) + 1
            wanted -= count
        return 0


def _nth_newline_from_end(block: bytes, number: int) -> int:
    at = len(block)
    for _ in range(number):
        at = block.rindex(b"\n", 0, at)
    return at


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1)


def _true(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in {"true", "1"}


def _number(query: Mapping[str, str], name: str) -> int | None:
    return int(query[name]) if query.get(name) else None
