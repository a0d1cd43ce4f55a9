"""Faults made to processes: signals, and what runs inside a pod."""

from __future__ import annotations

from collections.abc import Mapping

from mesh.chaos.faults.fault import Fault
from mesh.chaos.faults.processes.clock_off import ClockOff
from mesh.chaos.faults.processes.control_plane_down import ControlPlaneDown
from mesh.chaos.faults.processes.database_locked import DatabaseLocked
from mesh.chaos.faults.processes.fresh_pods import FreshPods
from mesh.chaos.faults.processes.frozen import Frozen
from mesh.chaos.faults.processes.killed import Killed

_ALL: tuple[type[Fault], ...] = (Killed, Frozen, FreshPods, ControlPlaneDown, DatabaseLocked, ClockOff)
KINDS: Mapping[str, type[Fault]] = {fault.kind: fault for fault in _ALL}
