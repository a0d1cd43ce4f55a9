"""What is a part of the cluster? A program as data, and the file that hands all of them to the supervisor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Probe:
    """How to see that a part works: this address answers 200. Certificate and key are ours, `ca` signs theirs."""

    url: str
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Part:
    """A program that the supervisor keeps running."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    """The whole environment; nothing is inherited."""
    cwd: str
    log: str
    """The file that gets standard output and error, appended."""
    probe: Probe | None = None
    """None: it counts as ready when it runs."""
    once: bool = False
    """A task: it is done when it ends with 0, and begun again otherwise."""
    starts_after: tuple[str, ...] = ()
    """The parts that must be ready first."""
    stop_rank: int = 0
    """Parts of a lower rank have ended before this one is told to."""
    stop_grace: float = 2.0
    """Seconds between SIGTERM and SIGKILL."""
    outlives: bool = False
    """Whether it goes on when the supervisor dies; all others die with it."""


@dataclass(frozen=True)
class Plan:
    """All parts of one cluster."""

    state: str
    """The cluster's state folder."""
    state_file: str
    """Where the supervisor writes what runs."""
    parts: tuple[Part, ...] = field(default_factory=tuple)


def dump_plan(plan: Plan) -> str:
    """The JSON that `load_plan` reads back as an equal value."""
    return json.dumps(asdict(plan), indent=1) + "\n"


def load_plan(path: Path) -> Plan:
    """The plan in `path`."""
    given = json.loads(path.read_text(encoding="utf-8"))
    return Plan(given["state"], given["state_file"], tuple(_part(part) for part in given["parts"]))


def stop_order(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts in groups that are stopped together, first group first."""
    ranks = sorted({part.stop_rank for part in parts})
    return [[part for part in parts if part.stop_rank == rank] for rank in ranks]


def _part(given: dict[str, object]) -> Part:
    probe = given.pop("probe")
    lists = {"argv", "starts_after"}
    plain = {name: tuple(value) if name in lists else value for name, value in given.items()}  # type: ignore[arg-type]
    return Part(probe=Probe(**probe) if isinstance(probe, dict) else None, **plain)  # type: ignore[arg-type]
