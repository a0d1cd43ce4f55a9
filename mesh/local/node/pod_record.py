"""Which processes belong to which pod? Files that survive the node, for whoever has to find or end them.

state_dir/pods/<uid>/record.json, one per pod:
{"namespace", "name", "uid", "pod_ip", "egress_ip", "admin_port", "status_port",
 "containers": {name: {"pid", "start_time", "restarts"}}}
The pid leads a process group; with start_time (clock ticks since boot) it is unique.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mesh.local.process_identity import ProcessId


@dataclass(frozen=True)
class ContainerRecord:
    pid: int
    start_time: int
    restarts: int


@dataclass(frozen=True)
class PodRecord:
    namespace: str
    name: str
    uid: str
    pod_ip: str
    egress_ip: str
    admin_port: int
    status_port: int
    containers: dict[str, ContainerRecord] = field(default_factory=dict)


def write(pods_folder: Path, record: PodRecord) -> None:
    """Replace the pod's record at once."""
    folder = pods_folder / record.uid
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / ".record.json.new"
    fresh.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    fresh.replace(folder / "record.json")


def read_all(pods_folder: Path) -> Iterator[PodRecord]:
    """Every readable record; one that was cut short by a crash is passed over."""
    for path in sorted(pods_folder.glob("*/record.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            containers = {name: ContainerRecord(**each) for name, each in found.pop("containers").items()}
            yield PodRecord(**found, containers=containers)
        except (OSError, ValueError, TypeError, KeyError):
            continue


def end_leftovers(pods_folder: Path) -> int:
    """Kill what a node that is gone left running; the number of process groups that were found."""
    ended = 0
    for record in read_all(pods_folder):
        for container in record.containers.values():
            if ProcessId(container.pid, container.start_time).alive():
                os.killpg(container.pid, signal.SIGKILL)
                ended += 1
    return ended
