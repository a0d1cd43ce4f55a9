"""How many calls may be answered at once? Learned from how long they take: where work queues, latency grows.

    limit <- limit x gradient + sqrt(limit)        gradient = tolerance x usual latency / latency now, 1/2 to 1

The step is that of Envoy's gradient controller
(https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/adaptive_concurrency_filter); the
square root is the queue that keeps the workers busy. Three things differ, each measured in
docs/decisions/0011-adaptive-limit.md:

usual latency   the mean over calls that found the server at most half full, so it never contains the queue.
                Netflix's gradient2 averages over all calls instead, and accepts a lasting overload as usual
probe           when calls no longer find it so, room is halved until enough of them do, and when the limit has
                halved: if that made nothing quicker, the latency is not a queue of ours and becomes usual.
                Envoy goes down to 3 calls, which starves a server that needs 50
growth          only while the limit is reached; unused, Envoy's grows to its maximum and then protects nobody

What is measured must be the work behind the limit; time spent waiting for other services is theirs to limit.
"""

from __future__ import annotations

from math import inf, sqrt

from mesh.resilience.server_policy import LimitPolicy, Priority

_WINDOW = 0.1  # seconds between two steps, and
_CALLS = 10  # calls at least: fewer say nothing
_CALM_CALLS = 20  # this many make the usual latency a fresh one; the last of them weigh the same
_STALE = 10.0  # seconds after which the usual latency of a crowded server is asked for again
_SOON = 1.0
_STEEPEST = 0.5
_CAUTION = 0.3  # of a step is taken at a time, for latency is noise as well; all of it when it has doubled
_QUEUES, _MENDED = 1.5, 0.75  # a probe this slow that was this much quicker than before has found a queue
_CROWDED = 0.8  # of the room in use: the limit limits
_NEGLIGIBLE = 0.005  # seconds: a queue so short is worth no refusal (CoDel's target, RFC 8289)


class Usual:
    """How long the calls of one method take while nothing queues."""

    __slots__ = ("calls", "seconds")

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0

    def learn(self, seconds: float) -> None:
        """A call that did not queue took so long."""
        self.calls += 1
        self.seconds += (seconds - self.seconds) / min(self.calls, _CALM_CALLS)


class AdaptiveLimit:
    """The number of calls a server answers at once. Times are seconds of one clock; one event loop."""

    def __init__(self, policy: LimitPolicy, *, most: int) -> None:
        self._tolerance = policy.tolerance
        self._shares = policy.low_share, policy.normal_share, 1.0
        self._most = min(policy.most, most)
        self._least = min(policy.least, most)
        self._limit = float(min(policy.initial, most))
        self._learned_limit = self._limit  # the limit at which the usual latency was last fresh
        self._stale_at = 0.0
        self._peak: float = inf
        self._slowness_before = 1.0  # the probe
        self._calm_calls = 0
        self._probing = False
        self._next_window(0.0)

    @property
    def limit(self) -> int:
        """The calls admitted at once, those of the highest priority included."""
        return self._room[Priority.HIGH]

    def admits(self, priority: Priority, in_flight: int) -> bool:
        """Whether there is room for one more call beside those."""
        if in_flight >= self._crowd[priority]:
            self._crowded = True
        self._peak = max(self._peak, in_flight)
        return in_flight < self._room[priority]

    def calm(self, priority: Priority, in_flight: int) -> bool:
        """Whether a call admitted beside those finds so much room that it cannot queue."""
        return in_flight < self._calm[priority]

    def learn(self, usual: Usual, seconds: float, *, calm: bool, now: float) -> None:
        """A call took so long; `usual` is its method's, `calm` what was said when it was admitted."""
        seconds = max(seconds, _NEGLIGIBLE)
        if usual.calls < _CALLS:
            usual.learn(seconds)  # at first any guess: the next probe mends it
        elif self._probing:
            if calm:
                self._count(usual, seconds)
                if self._calls >= _CALM_CALLS:
                    self._end_probe(now)
        else:
            if calm:
                usual.learn(seconds)
                self._calm_calls += 1
                if self._calm_calls >= _CALM_CALLS:
                    self._refresh(now)
            self._count(usual, seconds)
            if self._calls >= _CALLS and now >= self._window_end:
                self._step(now)

    def _count(self, usual: Usual, seconds: float) -> None:
        self._calls += 1
        self._times_usual += seconds / usual.seconds
        self._counted.add(usual)

    def _step(self, now: float) -> None:
        slowness = self._times_usual / self._calls
        gradient = max(_STEEPEST, min(1.0, self._tolerance / slowness))
        step = self._limit * gradient + sqrt(self._limit) - self._limit
        if gradient > _STEEPEST:
            step *= _CAUTION
        if step < 0 or self._crowded:
            self._limit = max(self._least, min(self._most, self._limit + step))
        stale = self._crowded and now > self._stale_at
        if stale or self._limit < self._learned_limit / 2:
            self._probing = True
            self._slowness_before = slowness
        self._next_window(now)

    def _end_probe(self, now: float) -> None:
        slowness = self._times_usual / self._calls
        still_queues = slowness > _QUEUES and slowness < _MENDED * self._slowness_before
        if not still_queues:
            for usual in self._counted:
                usual.seconds *= slowness
        self._probing = False
        # Usual was not, if half the calls were so much quicker: half of the half may be quicker still.
        self._refresh(now, again_in=_SOON if slowness < _MENDED else _STALE)
        self._next_window(now)

    def _refresh(self, now: float, again_in: float = _STALE) -> None:
        """The usual latency is fresh."""
        self._stale_at, self._learned_limit, self._calm_calls = now + again_in, self._limit, 0

    def _next_window(self, now: float) -> None:
        self._window_end = now + _WINDOW
        self._calls = 0
        self._times_usual = 0.0  # summed over the calls
        self._counted: set[Usual] = set()
        self._crowded = False
        # Calls that come all at once find room as well, but queue: calm is what was in use before.
        self._used, self._peak = self._peak + 1, 0
        self._make_room()

    def _make_room(self) -> None:
        whole = self._limit / 2 if self._probing else self._limit
        self._room: list[int] = [max(1, int(whole * share)) for share in self._shares]
        self._crowd: list[float] = [int(_CROWDED * room) for room in self._room]
        self._calm: list[float] = [max(1, min(int(self._limit * share / 2), self._used)) for share in self._shares]
