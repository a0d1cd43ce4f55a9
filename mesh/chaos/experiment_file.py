"""Which experiments are there, and what do their files say? Read strictly: a typing error is no experiment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mesh.chaos.experiment import Experiment
from mesh.chaos.problems import BadExperiment
from mesh.yaml_lines import Place, Unreadable, loaded, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EXPERIMENTS = Path(__file__).parent / "experiments"
"""Our own."""


def all_experiments(folder: Path = EXPERIMENTS) -> tuple[Experiment, ...]:
    """Every experiment in the folder, by name. Raises BadExperiment for the first file that is none."""
    return tuple(read(path) for path in sorted(folder.glob("*.yaml")))


def read(path: Path) -> Experiment:
    """The experiment in a file. Raises BadExperiment."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.stem, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadExperiment(f"{path}: {error}") from error


def parse(text: str, name: str, file: str = "experiment") -> Experiment:
    """The experiment that `text` is. Raises BadExperiment with every problem there is, each with its line."""
    try:
        written, lines = loaded(file, text)
    except Unreadable as error:
        raise BadExperiment(str(error)) from error
    if not isinstance(written, dict) or "name" in written:
        raise BadExperiment(f"{file}:1: an experiment is a mapping without a name: that is the file's")
    try:
        return Experiment.model_validate({**written, "name": name}, by_name=False, by_alias=True)
    except ValidationError as error:
        told = (f"{file}:{lines.line(one['loc'])}: {_told(one)}" for one in _causes(error))
        raise BadExperiment("\n".join(told)) from error


def _causes(error: ValidationError) -> Iterator[ErrorDetails]:
    """Its problems, without those of lists that are too short because what is in them is wrong."""
    places = [one["loc"] for one in error.errors()]
    for one in error.errors():
        if one["type"] != "too_short" or not any(_within(place, one["loc"]) for place in places):
            yield one


def _within(place: Place, outer: Place) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _told(problem: ErrorDetails) -> str:
    """`extensions[0].load.orders: Input should be greater than or equal to 0, not -1`."""
    place, kind = shown(problem["loc"]), problem["type"]
    text = problem["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{place}: an experiment has no such field"
    if kind in {"value_error", "missing"}:
        return f"{place}: {text}" if place else text
    return f"{place}: {text}, not {problem['input']!r}"
