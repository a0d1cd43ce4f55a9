"""Which kinds of faults are there, and which one does an experiment's file mean?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from pydantic import TypeAdapter, ValidationError

from mesh.chaos.experiment import Change
from mesh.chaos.faults import load, mesh, processes, replicas
from mesh.chaos.faults.fault import Fault
from mesh.chaos.problems import BadExperiment


def kinds() -> Mapping[str, type[Fault]]:
    """Every kind by its name."""
    return {**mesh.KINDS, **replicas.KINDS, **processes.KINDS, **load.KINDS}


def made(change: Change) -> Fault:
    """The fault that is meant. Raises BadExperiment for an unknown kind, or arguments it does not take."""
    known = kinds()
    if change.fault not in known:
        raise BadExperiment(f"there is no fault {change.fault}; there are {', '.join(sorted(known))}")
    kind = known[change.fault]
    taken: set[str] = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    if unknown := sorted(change.arguments.keys() - taken):
        raise BadExperiment(f"fault {change.fault} takes no {', '.join(unknown)}")
    try:
        return TypeAdapter(kind).validate_python(change.arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its arguments"
        raise BadExperiment(f"fault {change.fault}, {where}: {first['msg']}") from error
