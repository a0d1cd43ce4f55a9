"""How long do `argosy up` and `argosy down` take, and how much memory does the whole cluster hold?

Warm: everything is built and the files are in the page cache, which a first round makes sure of. Memory is the
proportional set size (PSS) of every process, so that pages shared by many Envoys count once.
"""

from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

import psutil

from loadtest.bench.local_cluster import local_cluster
from loadtest.bench.row import BenchUnavailable, Row

ROUNDS = 3


async def measure(say: Callable[[str], None]) -> list[Row]:
    """Medians of a few rounds. Raises BenchUnavailable when somebody's cluster runs: it is not ours to stop."""
    cluster = local_cluster()
    if await cluster.status() is not None:
        raise BenchUnavailable("a local cluster is running; stop it with `argosy down` to have its start measured")
    ups, downs, memories = [], [], []
    for number in range(ROUNDS + 1):
        say(f"up and down, round {number} of {ROUNDS}" if number else "up and down once, to warm up")
        ups.append(await cluster.up())
        try:
            memories.append(memory(pids(await cluster.status() or {})))
        finally:
            downs.append(await cluster.down())
    return [
        Row.at_most("cluster: warm argosy up", round(median(ups[1:]), 2), 12, "s"),
        Row.at_most("cluster: argosy down", round(median(downs[1:]), 2), 5, "s"),
        Row.at_most("cluster: memory of everything (PSS)", round(max(memories) / 2**30, 2), 3, "GiB"),
    ]


def pids(status: Mapping[str, Any]) -> set[int]:
    """Every process that `argosy status --json` names."""
    containers = [container for pod in status["pods"] for container in pod["containers"]]
    named = [status["supervisor"], *status["parts"], *containers]
    return {process["pid"] for process in named if process["pid"]}


def memory(roots: Iterable[int]) -> int:
    """Bytes (PSS) of these processes and all that descend from them; what ends meanwhile holds none."""
    found: set[psutil.Process] = set()
    for root in roots:
        try:
            process = psutil.Process(root)
            found |= {process, *process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    total = 0
    for process in found:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total
