"""What has to be undone, by whom ever? Written before it is done: to a file here, and to a ConfigMap in the cluster.

The file is what a watchdog on this machine reads, the ConfigMap what `argosy chaos clean` finds from any other. What is
undone is marked in the file alone: a removal is safe any number of times, and the API server may be away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkube import AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import exists
from lightkube.resources.core_v1 import ConfigMap

from mesh.chaos.experiment import Change
from mesh.chaos.faults.fault import Memory
from mesh.local.absence import absence_is_fine

LABEL = "argosy/chaos"
FILE = "undo.jsonl"
_FIELD_MANAGER = "argosy-chaos"


@dataclass(frozen=True)
class Planned:
    """A change that was, or was about to be, made."""

    number: int
    change: Change
    memory: Memory

    def line(self) -> str:
        """As it is written down."""
        return json.dumps({"planned": self.number, **self.change.model_dump(mode="json"), "memory": self.memory})


def read(lines: Iterable[str]) -> tuple[Planned, ...]:
    """What is not undone, in the order in which it was planned. A last line that a kill has cut off says nothing."""
    planned: dict[int, Planned] = {}
    for fields in _documents(lines):
        if "undone" in fields:
            planned.pop(fields["undone"], None)
        else:
            change = Change(fault=fields["fault"], arguments=fields["arguments"])
            planned[fields["planned"]] = Planned(fields["planned"], change, fields["memory"])
    return tuple(planned.values())


def _documents(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


class UndoLog:
    """What one run has to undo."""

    def __init__(self, client: AsyncClient, folder: Path, run: str, namespace: str) -> None:
        self._client, self._path, self._run, self._namespace = client, folder / FILE, run, namespace
        self._planned: list[Planned] = []

    @property
    def number(self) -> int:
        """Of the change that is planned next."""
        return len(self._planned)

    async def write_ahead(self, change: Change, memory: Memory) -> Planned:
        """Write down what is about to be done. Raises lightkube's errors: then it must not be done."""
        planned = Planned(len(self._planned), change, memory)
        self._append(planned.line())
        self._planned.append(planned)
        await self._write()
        return planned

    def undone(self, planned: Planned) -> None:
        """It is undone, and need not be again."""
        self._append(json.dumps({"undone": planned.number}))

    def left(self) -> tuple[Planned, ...]:
        """What is not undone, as the file says."""
        return left_in(self._path)

    async def close(self) -> None:
        """Everything is undone: the cluster need not remember any more."""
        await forget(self._client, self._run, self._namespace)

    async def _write(self) -> None:
        metadata = ObjectMeta(name=config_map(self._run), namespace=self._namespace, labels={LABEL: self._run})
        text = "".join(planned.line() + "\n" for planned in self._planned)
        await self._client.apply(ConfigMap(metadata=metadata, data={FILE: text}), field_manager=_FIELD_MANAGER)

    def _append(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def left_in(path: Path) -> tuple[Planned, ...]:
    """What a run has not undone, as its file says."""
    return read(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()


async def remembered(client: AsyncClient, namespace: str) -> dict[str, tuple[Planned, ...]]:
    """What the cluster remembers of runs that have not ended well, by the run's name."""
    found: dict[str, tuple[Planned, ...]] = {}
    async for one in client.list(ConfigMap, namespace=namespace, labels={LABEL: exists()}):
        if one.metadata and one.data and FILE in one.data:
            found[(one.metadata.labels or {})[LABEL]] = read(one.data[FILE].splitlines())
    return found


async def forget(client: AsyncClient, run: str, namespace: str) -> None:
    """Take away what the cluster remembers of the run."""
    with absence_is_fine():
        await client.delete(ConfigMap, config_map(run), namespace=namespace)


def config_map(run: str) -> str:
    """What the run's ConfigMap is called."""
    return f"chaos-undo-{run}"
