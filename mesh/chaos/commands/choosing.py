"""Which runs does a command line mean? Experiments by name or by file, and each with which protection. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from mesh.chaos.experiment import Change, Experiment
from mesh.chaos.experiment_file import EXPERIMENTS, all_experiments, read
from mesh.chaos.problems import BadExperiment
from mesh.chaos.run.conducting import Wanted
from mesh.chaos.run.runner import Order

UNPROTECTED, LAYERS = "unprotected", ("app", "mesh")


def chosen(names: Sequence[str], *, everything: bool, fast: bool) -> list[tuple[Experiment, Path]]:
    """The experiments that are named, with their files. Raises BadExperiment."""
    if everything or fast:
        found = [(one, EXPERIMENTS / f"{one.name}.yaml") for one in all_experiments()]
        return [(one, path) for one, path in found if one.details.fast or not fast]
    return [(read(path), path) for path in map(_path, names)]


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = EXPERIMENTS / f"{name}.yaml"
    if not path.exists():
        raise BadExperiment(f"there is no experiment {name}: `argosy chaos list` shows those there are")
    return path


def orders(experiment: Experiment, *, control: bool, compare: bool, factor: float) -> Iterator[Order]:
    """The runs of one experiment: as it is, and without its protection when that is wanted, too."""
    yield Order(experiment, factor=factor)
    without = experiment.details.control
    if compare:
        for title, changes in layers(without.changes):
            yield Order(experiment, changes, protection=title, factor=factor)
    elif control:
        yield Order(experiment, without.changes, protection=f"without {without.without}", factor=factor)


def layers(changes: Sequence[Change]) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """What else the shop can do without: the mesh's protection, its own, and both, as far as these changes take them.

    What is no layer (a second pod that is not there) is taken with both.
    """
    for title, taken in (("app only", {"mesh"}), ("mesh only", {"app"})):
        if part := tuple(one for change in changes if (one := _taking(change, taken))):
            yield title, part
    yield "off", tuple(changes)


def _taking(change: Change, taken: Collection[str]) -> Change | None:
    """The change, if it takes these layers away, and no other."""
    wanted = {layer: layer in taken and bool(change.arguments.get(layer)) for layer in LAYERS}
    if change.fault != UNPROTECTED or not any(wanted.values()):
        return None
    return change.model_copy(update={"arguments": {**change.arguments, **wanted}})


def wanted(
    experiments: Sequence[tuple[Experiment, Path]],
    *,
    control: bool,
    compare: bool,
    factor: float,
    abort_above: float | None,
) -> list[Wanted]:
    """Every run, in the order in which they are done."""
    return [
        Wanted(order, path, abort_above)
        for experiment, path in experiments
        for order in orders(experiment, control=control, compare=compare, factor=factor)
    ]
