"""How did all experiments end? One HTML file: a line for each, and the plots of each below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mesh.chaos.experiment import Experiment
from mesh.chaos.look.report import environment, plots
from mesh.chaos.look.timeline import Timeline
from mesh.chaos.verdict import Verdict


@dataclass(frozen=True)
class Ended:
    """One run that is kept; of one that ended before there was load, `seen` is None."""

    verdict: Verdict
    seen: Timeline | None

    @property
    def name(self) -> str:
        """The experiment's, and what was left of the protection in a control."""
        return (
            f"{self.verdict.experiment}, {self.verdict.protection}" if self.verdict.control else self.verdict.experiment
        )


def overview(experiments: Sequence[Experiment], ended: Sequence[Ended]) -> str:
    """The page about the last run of each experiment under each protection."""
    latest = {one.name: one for one in ended}
    questions = {one.name: one.title for one in experiments}
    page = environment().get_template("overview.html.j2")
    return page.render(
        runs=[latest[name] for name in sorted(latest)], questions=questions, counts=counts(latest), plots=plots
    )


def counts(latest: Mapping[str, Ended]) -> str:
    """`21 PASS, 1 INVALID; of the controls 20 FAIL`."""
    said = []
    for control, words in ((False, ""), (True, "of the controls ")):
        found = Counter(one.verdict.outcome.value for one in latest.values() if one.verdict.control is control)
        if found:
            said.append(words + ", ".join(f"{number} {outcome}" for outcome, number in found.most_common()))
    return "; ".join(said) or "no run is kept"
