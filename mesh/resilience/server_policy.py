"""What may a server do with the calls that reach it? Numbers only: the other end of policy.py.

All times are seconds. A method nobody wrote a policy for is of NORMAL priority and has no deadline but its caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from mesh.resilience.policy import METHOD_NAME, refuse


class Priority(IntEnum):
    """Who goes first when not everybody can be served."""

    LOW = 0  # nobody notices when it is done later, or not at all
    NORMAL = 1  # somebody is looking at a screen
    HIGH = 2  # somebody is paying


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMethodPolicy:
    """How one method is served. Raises PolicyInvalid."""

    deadline: float | None = None  # of a unary answer, however much time its caller has
    priority: Priority = Priority.NORMAL

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.deadline is not None and self.deadline <= 0:
            yield f"deadline={self.deadline} must be above 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPolicy:
    """How many calls may be answered at once, and who gets the last places. Raises PolicyInvalid."""

    initial: int = 100  # before anything was learned: nobody is refused by a server that was never slow
    least: int = 4
    most: int = 1000  # MAX_CONCURRENT_RPCS bounds it, too
    tolerance: float = 1.1  # times the usual latency: so much slower is not yet a queue
    low_share: float = 0.5  # of the limit: where calls of LOW priority begin to be refused
    normal_share: float = 0.8  # calls of HIGH priority may fill it

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not 1 <= self.least <= self.initial <= self.most:
            yield f"1 <= least={self.least} <= initial={self.initial} <= most={self.most} does not hold"
        if self.tolerance < 1:
            yield f"tolerance={self.tolerance} must be at least 1"
        if not 0 < self.low_share <= self.normal_share <= 1:
            yield f"0 < low_share={self.low_share} <= normal_share={self.normal_share} <= 1 does not hold"


_UNWRITTEN = ServerMethodPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPolicy:
    """How a server treats its calls. Raises PolicyInvalid.

    `methods` is keyed by the name on the wire: "/shop.catalog.v1.CatalogService/GetProduct".
    """

    methods: Mapping[str, ServerMethodPolicy] = field(default_factory=dict)
    limit: LimitPolicy = field(default_factory=LimitPolicy)

    def __post_init__(self) -> None:
        refuse(self._problems())

    def method(self, name: str) -> ServerMethodPolicy:
        """The policy of a method; the default when nobody wrote one."""
        return self.methods.get(name, _UNWRITTEN)

    def _problems(self) -> Iterator[str]:
        for name in self.methods:
            if not METHOD_NAME.fullmatch(name):
                yield f"method {name!r} is not of the form /package.Service/Method"
