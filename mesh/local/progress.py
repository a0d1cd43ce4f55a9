"""How is waiting told? On a terminal one line that changes, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

PLAIN_LINE_EVERY = 15.0


class Progress(Protocol):
    """Where long work says how it stands."""

    def now(self, text: str) -> None:
        """What is going on at the moment; may be called as often as one likes."""

    def done(self, text: str) -> None:
        """Something that is finished and worth a line of its own."""


class ConsoleProgress:
    """Progress on a console, with the seconds since the beginning before each finished line."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._spinner: Status | None = None
        self._last_plain: float | None = None
        self._text = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._spinner = self._console.status(self)
            self._spinner.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._spinner:
            self._spinner.stop()

    def now(self, text: str) -> None:
        elapsed = self._clock() - self._began
        self._text = text
        if self._spinner:
            return  # it asks us whenever it draws itself, so the time goes on when nothing else does
        if self._last_plain is None or elapsed - self._last_plain >= PLAIN_LINE_EVERY:
            self._last_plain = elapsed
            self._console.print(f"{elapsed:6.1f}s  {text} ...", highlight=False, markup=False, soft_wrap=True)

    def __rich__(self) -> Text:
        return Text.assemble(self._text, " ", (as_minutes(self._clock() - self._began), "dim"))

    def done(self, text: str) -> None:
        elapsed = self._clock() - self._began
        self._console.print(f"{elapsed:6.1f}s  {text}", highlight=False, markup=False, soft_wrap=True)


def as_minutes(seconds: float) -> str:
    """`83` as `1:23`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
