"""The admission against any order of arrivals, answers, failures and cancellations."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mesh.resilience.admission import Admission, Place, Reason
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.server_policy import LimitPolicy, Priority, ServerMethodPolicy, ServerPolicy
from tests.resilience.fake_time import FakeTime

METHODS = {f"/shop.Shop/{priority.name}": priority for priority in Priority}
SHARES = {Priority.LOW: 0.5, Priority.NORMAL: 0.8, Priority.HIGH: 1.0}
POLICY = ServerPolicy(
    methods={name: ServerMethodPolicy(priority=priority) for name, priority in METHODS.items()},
    limit=LimitPolicy(initial=8, least=2, most=20),
)
MOST = 15
ENDS: dict[str, type[BaseException] | None] = {
    "answered": None,
    "failed": KeyError,
    "left": asyncio.CancelledError,
    "out of time": TimeoutError,
}


class AdmissionAndModel(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.time = FakeTime()
        self.admission = Admission(POLICY, most=MOST, adaptive=True, clock=self.time, jitter=lambda: 0.5)
        self.doors = {name: self.admission.door(name, streams=False) for name in METHODS}
        self.streams = self.admission.door("/shop.Shop/Watch", streams=True)
        self.inside: list[tuple[Place, bool]] = []  # and whether it is a stream's
        self.refusals = 0

    @rule(seconds=st.floats(0.0, 2.0))
    def time_passes(self, seconds: float) -> None:
        self.time.pass_by(seconds)

    @rule(name=st.sampled_from(sorted(METHODS)), left=st.none() | st.floats(0.01, 10.0), number=st.integers(1, 6))
    def calls_arrive(self, name: str, left: float | None, number: int) -> None:
        for _ in range(number):
            before, room = self.admission.in_flight, max(1, int(self.admission.limit * SHARES[METHODS[name]]))
            refusal = self._arrive(self.doors[name].place(left), stream=False)
            if refusal is None:
                assert before < room
            elif refusal.reason is Reason.PLACES:
                assert self.admission.places == MOST
            elif refusal.reason is Reason.LIMIT:
                assert before >= room
            else:
                assert left is not None
                assert left < self.doors[name].quick.seconds

    @rule()
    def a_stream_arrives(self) -> None:
        if self._arrive(self.streams.place(None), stream=True) is not None:
            assert self.admission.places == MOST

    def _arrive(self, place: Place, *, stream: bool) -> NotAdmitted | None:
        try:
            place.__enter__()
        except NotAdmitted as refusal:
            self.refusals += 1
            return refusal
        self.inside.append((place, stream))
        return None

    @precondition(lambda self: self.inside)
    @rule(which=st.integers(0), how=st.sampled_from(sorted(ENDS)), seconds=st.floats(0.0, 0.5))
    def a_call_ends(self, which: int, how: str, seconds: float) -> None:
        self.time.pass_by(seconds)
        place, _ = self.inside.pop(which % len(self.inside))
        place.__exit__(ENDS[how], None, None)

    @invariant()
    def every_place_is_somebody_s(self) -> None:
        assert self.admission.places == len(self.inside) <= MOST
        assert self.admission.in_flight == sum(not stream for _, stream in self.inside)

    @invariant()
    def the_limit_keeps_its_bounds(self) -> None:
        # It probes with half of the room.
        assert POLICY.limit.least // 2 <= self.admission.limit <= min(MOST, POLICY.limit.most)

    @invariant()
    def every_refusal_is_counted(self) -> None:
        assert sum(self.admission.shed.values()) == self.refusals


AdmissionAndModel.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestAdmissionKeepsItsPromises = AdmissionAndModel.TestCase
