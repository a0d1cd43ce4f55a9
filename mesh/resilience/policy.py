"""What may happen to a call? Numbers only: a policy is written once per callee, validated where it is written.

All times are seconds. A method nobody wrote a policy for gets `PeerPolicy.default`: a timeout, no retry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

from grpc import StatusCode

from mesh.resilience.errors import PolicyInvalid
from mesh.resilience.verdicts import RETRIED_BY_DEFAULT, RETRYABLE

# The SRE book's limit ("Addressing Cascading Failures"): more tries load a sick peer, and rarely help.
MOST_ATTEMPTS = 3
_PARTS = re.compile(r"\w+=\w+\.\w+")
METHOD_NAME = re.compile(r"/[\w.]+/\w+")
# An attempt that got at least this long was fairly judged, unless its policy says otherwise.
_FAIR_SECONDS = 0.05


def refuse(problems: Iterator[str]) -> None:
    """Raise PolicyInvalid with all problems, if there are any."""
    if found := tuple(problems):
        raise PolicyInvalid(found)


FallbackKind: TypeAlias = Literal["last_good", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPolicy:
    """What answers instead of a peer that cannot. Raises PolicyInvalid.

    `last_good`: what the peer last answered to the same request. Only where the answer depends on the request
    alone: who asked is not compared. `default`: always the same message, as protobuf JSON.

    `parts`, of a batch: "product_ids=products.id" says that each of the request's product_ids is answered by the one
    of the response's products with that id. Then answers are kept part by part, and serve other batches.
    """

    kind: FallbackKind
    max_age: float = 30.0  # of a last good answer
    entries: int = 1000  # last good answers kept for one method; the least lately renewed are dropped
    default: str = "{}"
    parts: str = ""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.kind not in get_args(FallbackKind):
            yield f"fallback kind={self.kind!r} must be one of {', '.join(get_args(FallbackKind))}"
        if self.max_age <= 0:
            yield f"fallback max_age={self.max_age} must be above 0"
        if self.entries < 1:
            yield f"fallback entries={self.entries} must be at least 1"
        if self.parts and (self.kind != "last_good" or not _PARTS.fullmatch(self.parts)):
            yield f"fallback parts={self.parts!r} must be of the form field=field.key, and of last_good"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPolicy:
    """What may happen to the calls of one method. Raises PolicyInvalid."""

    timeout: float = 5.0  # of the whole call, retries and waits included; an inherited deadline may shorten it
    per_try_timeout: float | None = None  # of one attempt; None: all the time that is left
    fair_timeout: float | None = None  # an attempt given less is not held against the peer, a retry not begun
    idempotent: bool = False  # doing it twice is as good as once: by nature or by a key the server checks
    attempts: int = MOST_ATTEMPTS  # the first one included; only an idempotent method makes a second
    retry_on: frozenset[StatusCode] = RETRIED_BY_DEFAULT
    backoff: float = 0.05  # the first wait is random in [0, backoff], each next bound twice the last
    backoff_limit: float = 1.0
    group: str = "default"  # methods of a group share a breaker; long streams deserve their own
    fallback: FallbackPolicy | None = None

    def __post_init__(self) -> None:
        refuse(self._problems())

    @property
    def most_attempts(self) -> int:
        """How often one call can reach the peer: what amplification is computed from."""
        return self.attempts if self.idempotent else 1

    @property
    def try_timeout(self) -> float:
        """The longest one attempt may take."""
        return self.timeout if self.per_try_timeout is None else self.per_try_timeout

    @property
    def fair(self) -> float:
        """The shortest attempt that says something about the peer."""
        return min(_FAIR_SECONDS, self.try_timeout) if self.fair_timeout is None else self.fair_timeout

    def once(self) -> MethodPolicy:
        """The same without a second attempt."""
        return replace(self, attempts=1)

    def unprotected(self) -> MethodPolicy:
        """The same deadline and nothing else: the negative control."""
        return replace(self, attempts=1, per_try_timeout=None, fair_timeout=None, fallback=None)

    def _problems(self) -> Iterator[str]:
        if self.timeout <= 0:
            yield f"timeout={self.timeout} must be above 0"
        if self.per_try_timeout is not None and not 0 < self.per_try_timeout <= self.timeout:
            yield f"per_try_timeout={self.per_try_timeout} must be above 0 and at most timeout={self.timeout}"
        if self.fair_timeout is not None and not 0 <= self.fair_timeout <= self.try_timeout:
            yield f"fair_timeout={self.fair_timeout} must be at least 0 and at most {self.try_timeout}, one attempt's"
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            yield f"attempts={self.attempts} must be 1 to {MOST_ATTEMPTS}"
        if never := sorted(code.name for code in self.retry_on - RETRYABLE):
            yield f"retry_on={','.join(never)}: a second try gets the same answer"
        if not 0 < self.backoff <= self.backoff_limit:
            yield f"backoff={self.backoff} must be above 0 and at most backoff_limit={self.backoff_limit}"
        if not self.group:
            yield "group must not be empty"
        if self.fallback is not None and not self.idempotent:
            yield "fallback: a write that was not made must not be answered as if it were"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a circuit opens and how it closes again. Raises PolicyInvalid."""

    window: float = 10.0  # the rate is taken over the calls that ended in this time
    min_calls: int = 20  # fewer than these prove nothing
    failure_rate: float = 0.5
    slow_after: float | None = None  # an answer that took longer is slow; of a stream, its first message
    slow_rate: float = 0.5  # slow answers among the calls, at which it opens as well
    open_for: float = 5.0  # the first time; doubles with each opening until the circuit has closed
    open_limit: float = 60.0
    jitter: float = 0.2  # of the open time, up or down: clients must not return in step
    trials: int = 1  # calls let through at a time while half-open
    successes_to_close: int = 3

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.window <= 0:
            yield f"window={self.window} must be above 0"
        if self.min_calls < 1:
            yield f"min_calls={self.min_calls} must be at least 1"
        if not 0 < self.failure_rate <= 1:
            yield f"failure_rate={self.failure_rate} must be above 0 and at most 1"
        if self.slow_after is not None and self.slow_after <= 0:
            yield f"slow_after={self.slow_after} must be above 0"
        if not 0 < self.slow_rate <= 1:
            yield f"slow_rate={self.slow_rate} must be above 0 and at most 1"
        if not 0 < self.open_for <= self.open_limit:
            yield f"open_for={self.open_for} must be above 0 and at most open_limit={self.open_limit}"
        if not 0 <= self.jitter < 1:
            yield f"jitter={self.jitter} must be at least 0 and below 1"
        if self.trials < 1:
            yield f"trials={self.trials} must be at least 1"
        if self.successes_to_close < 1:
            yield f"successes_to_close={self.successes_to_close} must be at least 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """How many retries a peer may be sent, all callers in this process together. Raises PolicyInvalid.

    In any `window` seconds: `ratio` of the calls begun in it, plus `floor` per second so that a quiet
    client can retry at all. The shape is Finagle's RetryBudget.
    """

    ratio: float = 0.1
    floor: float = 1.0
    window: float = 10.0

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not 0 <= self.ratio <= 1:
            yield f"ratio={self.ratio} must be 0 to 1"
        if self.floor < 0:
            yield f"floor={self.floor} must be at least 0"
        if self.window <= 0:
            yield f"window={self.window} must be above 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPolicy:
    """What may happen to the calls to one callee. Raises PolicyInvalid.

    `methods` is keyed by the name on the wire: "/shop.catalog.v1.CatalogService/GetProduct".
    """

    methods: Mapping[str, MethodPolicy] = field(default_factory=dict)
    default: MethodPolicy = field(default_factory=MethodPolicy)
    breakers: Mapping[str, BreakerPolicy] = field(default_factory=dict)  # by group; others get BreakerPolicy()
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    bulkhead: int | None = None  # most attempts on the wire at once, from this process; None: no bound

    def __post_init__(self) -> None:
        refuse(self._problems())

    def method(self, name: str) -> MethodPolicy:
        """The policy of a method; the default when nobody wrote one."""
        return self.methods.get(name, self.default)

    def groups(self) -> frozenset[str]:
        """Every breaker group that a method belongs to."""
        return frozenset(policy.group for policy in (self.default, *self.methods.values()))

    def breaker(self, group: str) -> BreakerPolicy:
        """The numbers of a group's breaker."""
        return self.breakers.get(group) or BreakerPolicy()

    def _problems(self) -> Iterator[str]:
        for name in self.methods:
            if not METHOD_NAME.fullmatch(name):
                yield f"method {name!r} is not of the form /package.Service/Method"
        if self.bulkhead is not None and self.bulkhead < 1:
            yield f"bulkhead={self.bulkhead} must be at least 1"
        if self.default.idempotent:
            yield "default: a method nobody described cannot be called idempotent"
        for group in sorted(self.breakers.keys() - self.groups()):
            yield f"breaker {group!r} has no method"
