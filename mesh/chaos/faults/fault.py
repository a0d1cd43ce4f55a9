"""What is a fault? Something done to the shop that can be proved, and undone by somebody who only read about it.

A protection that is taken away, and what an experiment needs first (a second pod), are faults to this: changes that
are undone the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from mesh.chaos.site import Site

Memory = Mapping[str, Any]
"""What JSON can hold and `remove` needs: what was there before, and what is about to be changed."""


@dataclass(frozen=True)
class Proof:
    """What an independent look says: `present` None when it cannot tell; `detail` is what was seen, for people."""

    present: bool | None
    detail: str


class Fault(Protocol):
    """One kind of fault: a frozen dataclass whose fields are the arguments in the experiment's file."""

    kind: ClassVar[str]
    lasting: ClassVar[bool]
    """It goes on until it is removed; else it happens (a kill), and the shop has to mend."""

    async def impossible(self, site: Site) -> str:
        """Why it cannot be done to this cluster; empty when it can. Changes nothing."""

    async def plan(self, site: Site) -> Memory:
        """Decide what exactly will be done, and remember what was before. Changes nothing."""

    async def inject(self, site: Site, memory: Memory) -> None:
        """Do it. The memory was written down before. Raises NotInjected."""

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """Whether it is there now, seen by other means than those that inject it."""

    async def remove(self, site: Site, memory: Memory) -> None:
        """Undo it. Safe at any time, any number of times, also when `inject` never ran or was cut short."""
