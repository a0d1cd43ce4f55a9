"""What does somebody read of an experiment who was not there? One HTML file with everything in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from jinja2 import Environment

from mesh.chaos.experiment import Experiment, Phase
from mesh.chaos.look import words
from mesh.chaos.look.journal import as_written
from mesh.chaos.look.plots import drawn
from mesh.chaos.look.timeline import Timeline
from mesh.chaos.metrics import errors
from mesh.chaos.observed import Served
from mesh.chaos.verdict import Verdict
from mesh.html_report import moment, pages
from mesh.plotting import NoPlots

_PHASES = (Phase.STEADY, Phase.FAULT, Phase.AFTER)


def report(experiment: Experiment, verdict: Verdict, seen: Timeline | None) -> str:
    """The report of a run; without matplotlib it says so where the plots would be."""
    page = environment().get_template("report.html.j2")
    return page.render(
        experiment=experiment,
        verdict=verdict,
        seen=seen,
        began=moment(seen.unix) if seen else "",
        phases=_PHASES,
        facts=list(words.facts(verdict)),
        checks=(*verdict.steady, *verdict.checks),
        servers=list(_servers(seen)) if seen else [],
        environment=sorted((name, _text(value)) for name, value in verdict.environment.items()),
        audit=_text(verdict.audit),
        file=yaml.safe_dump(as_written(experiment), sort_keys=False, width=110),
        **plots(seen),
    )


def _servers(seen: Timeline) -> Iterator[tuple[str, str, Served, float]]:
    """What each service counted, phase after phase: service, phase, counts, errors."""
    for service in sorted({name for counted in seen.served.values() for name in counted}):
        for phase in _PHASES:
            if counted := seen.served.get(phase, {}).get(service):
                yield service, phase, counted, errors(counted)


def plots(seen: Timeline | None) -> Mapping[str, str]:
    """What stands where the plots do: they, or why there are none."""
    if seen is None:
        return {"plots": "", "no_plots": "There was no load, so nothing was observed."}
    try:
        return {"plots": drawn(seen), "no_plots": ""}
    except NoPlots as missing:
        return {"plots": "", "no_plots": str(missing)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=1, default=str)


def environment() -> Environment:
    """What the pages are made with: everything is text until it says otherwise."""
    filters = (words.value, words.ms, words.seconds, words.times, words.recovered)
    return pages("mesh.chaos.look", {each.__name__: each for each in filters})
