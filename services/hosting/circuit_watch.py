"""When has a circuit of this process changed? Whoever waits for it is woken."""

from __future__ import annotations

import asyncio

from mesh.resilience.events import CircuitClosed, CircuitForced, CircuitHalfOpened, CircuitOpened, Event

_CHANGES = frozenset({CircuitOpened, CircuitHalfOpened, CircuitClosed, CircuitForced})


class CircuitWatch:
    """A listener of every peer of a process."""

    def __init__(self) -> None:
        self.change = asyncio.Event()
        """Set by the next change, and by the end; take it before you look at what may change."""
        self.ended = False

    def __call__(self, event: Event) -> None:
        if type(event) in _CHANGES:  # quicker than isinstance: nearly every event is none of them
            self._wake()

    def end(self) -> None:
        """The process drains: nobody shall wait any more."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        self.change.set()
        self.change = asyncio.Event()
