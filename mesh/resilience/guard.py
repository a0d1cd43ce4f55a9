"""What stands between the callers of one RPC method and the wire? These parts; call.py puts them in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mesh.resilience.breaker import Breaker, NoBreaker
from mesh.resilience.bulkhead import Bulkhead
from mesh.resilience.deadline import Clock
from mesh.resilience.events import Listeners
from mesh.resilience.policy import MethodPolicy
from mesh.resilience.retry_budget import RetryBudget

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Guard:
    """The parts for one method. All but `method` and `policy` are shared with other methods of the peer."""

    peer: str
    method: str
    policy: MethodPolicy
    breaker: Breaker | NoBreaker
    bulkhead: Bulkhead
    budget: RetryBudget
    listeners: Listeners
    clock: Clock
    sleep: Sleep
