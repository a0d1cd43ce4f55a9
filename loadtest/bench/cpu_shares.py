"""Who used the processor? CPU seconds of every process of the local cluster, by what it is there for.

SQLite has no process of its own: what it uses is what the threads use in which transactions run
(services/hosting/lanes.py names them), and the rest of a service's process is Python.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

DATABASE, MESH, PYTHON, CONTROL, LOAD = "database", "mesh", "Python", "control plane", "load generator"
PROXY = "istio-proxy"
TICKS = os.sysconf("SC_CLK_TCK")

Seconds = dict[str, float]


def used(status: Mapping[str, Any]) -> Seconds:
    """CPU seconds so far, by role, of all that `argosy status --json` names, and of this process: it makes the load."""
    found: Seconds = dict.fromkeys((DATABASE, MESH, PYTHON, CONTROL, LOAD), 0.0)
    counted: set[int] = set()
    for role, root in _roots(status):
        family = _family(root) - counted
        counted |= family
        for process in family:
            for thread, seconds in _threads(process):
                found[DATABASE if role == PYTHON and thread.startswith(DATABASE) else role] += seconds
    return found


def _roots(status: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Every process that is named, descendants before their ancestors: pods run below the supervisor."""
    for pod in status["pods"]:
        for container in pod["containers"]:
            if container["pid"]:
                yield MESH if container["name"] == PROXY else PYTHON, container["pid"]
    for part in (*status["parts"], status["supervisor"]):
        if part["pid"]:
            yield CONTROL, part["pid"]
    yield LOAD, os.getpid()


def _family(root: int) -> set[int]:
    """The process and all that descend from it."""
    try:
        process = psutil.Process(root)
        return {each.pid for each in (process, *process.children(recursive=True))}
    except psutil.NoSuchProcess:
        return set()


def _threads(pid: int) -> Iterator[tuple[str, float]]:
    """Name and CPU seconds of every thread that lives."""
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            before, _, after = (task / "stat").read_text().rpartition(")")
        except OSError:  # ended meanwhile
            continue
        fields = after.split()
        yield before.partition("(")[2], (int(fields[11]) + int(fields[12])) / TICKS
