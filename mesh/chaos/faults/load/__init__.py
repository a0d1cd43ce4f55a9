"""Faults of load: more than the shop can answer."""

from __future__ import annotations

from collections.abc import Mapping

from mesh.chaos.faults.fault import Fault
from mesh.chaos.faults.load.crowds import Overload, RetryStorm

_ALL: tuple[type[Fault], ...] = (Overload, RetryStorm)
KINDS: Mapping[str, type[Fault]] = {fault.kind: fault for fault in _ALL}
