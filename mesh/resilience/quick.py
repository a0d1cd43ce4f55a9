"""How little time can an answer take? Learned, so that work which cannot be finished in time is not begun.

About a tenth of the answers are quicker than the estimate. It is a quantile in constant space (Robbins and
Monro, 1951): an answer below moves it down by a tenth, one above up by a hundredth.
"""

from __future__ import annotations

_DOWN, _UP = 0.9, 1.01
_ENOUGH = 50  # answers; until so many are known nothing is refused
_EVERY = 16  # of so many calls with too little time one is let in, or an estimate too high would stay for ever


class Quick:
    """The quick answers of one method."""

    __slots__ = ("_answers", "_estimate", "_too_late")

    def __init__(self) -> None:
        self._answers = 0
        self._too_late = 0
        self._estimate = 0.0

    @property
    def seconds(self) -> float:
        """What a quick answer takes; zero while too few are known."""
        return self._estimate if self._answers >= _ENOUGH else 0.0

    def answered(self, seconds: float, *, trial: bool) -> None:
        """An answer took so long; a trial that was quicker has proved the estimate wrong."""
        self._answers += 1
        if self._answers == 1 or (trial and seconds < self._estimate):
            self._estimate = seconds
        else:
            self._estimate *= _DOWN if seconds < self._estimate else _UP

    def cut_short(self, seconds: float) -> None:
        """A call was ended after so long: its answer would have taken longer."""
        if seconds > self._estimate:
            self._estimate *= _UP

    def trial(self) -> bool:
        """Whether a call that has too little time is let in all the same."""
        self._too_late += 1
        return self._too_late % _EVERY == 0
