"""A kind of fault whose world is a folder: a door that stands open. What goes wrong with it is in its arguments."""

# ruff: noqa: ARG002  # every kind of fault is given what any kind may need

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mesh.chaos.experiment import Change
from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.site import Site
from mesh.running_shop import ShopError


@dataclass(frozen=True)
class Door:
    """The file `name` in `folder` is there while it is open."""

    kind: ClassVar[str] = "door"
    lasting: ClassVar[bool] = True

    folder: Path
    name: str = "door"
    jams: bool = False
    """It cannot be opened."""
    sticks: bool = False
    """It cannot be closed."""
    dark: bool = False
    """Nobody can see whether it is open."""

    @property
    def _path(self) -> Path:
        return self.folder / self.name

    async def impossible(self, site: Site) -> str:
        return "" if self.folder.exists() else "there is no house"

    async def plan(self, site: Site) -> Memory:
        return {"before": self._path.exists()}

    async def inject(self, site: Site, memory: Memory) -> None:
        if self.jams:
            raise ShopError("the door jams")
        self._path.touch()
        self._tell("opened")

    async def proof(self, site: Site, memory: Memory) -> Proof:
        return Proof(None if self.dark else self._path.exists(), f"the door {self.name} is looked at")

    async def remove(self, site: Site, memory: Memory) -> None:
        if self.sticks:
            raise ShopError("the door sticks")
        self._path.unlink(missing_ok=True)
        self._tell("closed")

    def _tell(self, what: str) -> None:
        with (self.folder / "told").open("a", encoding="utf-8") as told:
            told.write(f"{what} {self.name}\n")


@dataclass(frozen=True)
class Slam(Door):
    """It is opened, and falls shut by itself: nothing that lasts."""

    kind: ClassVar[str] = "slam"
    lasting: ClassVar[bool] = False


def door(folder: Path, name: str = "door", *, fault: str = "door", **faults: bool) -> Change:
    """The change an experiment's file would name."""
    return Change(fault=fault, arguments={"folder": str(folder), "name": name, **faults})


def told(folder: Path) -> list[str]:
    """What was done to the doors of the house, in order."""
    path = folder / "told"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
