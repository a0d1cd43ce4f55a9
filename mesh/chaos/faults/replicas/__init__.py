"""What can be done to how many pods there are, and to how one replaces another?"""

from __future__ import annotations

from collections.abc import Mapping

from mesh.chaos.faults.fault import Fault
from mesh.chaos.faults.replicas.bad_canary import BadCanary
from mesh.chaos.faults.replicas.pods_deleted import PodsDeleted
from mesh.chaos.faults.replicas.replaced_at_once import ReplacedAtOnce
from mesh.chaos.faults.replicas.rolling_restart import RollingRestart
from mesh.chaos.faults.replicas.scaled import Scaled
from mesh.chaos.faults.replicas.telemetry_gone import TelemetryGone
from mesh.chaos.faults.replicas.unjudged_canary import UnjudgedCanary

_ALL: tuple[type[Fault], ...] = (
    Scaled,
    PodsDeleted,
    RollingRestart,
    ReplacedAtOnce,
    BadCanary,
    UnjudgedCanary,
    TelemetryGone,
)
KINDS: Mapping[str, type[Fault]] = {fault.kind: fault for fault in _ALL}
