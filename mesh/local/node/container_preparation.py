"""From a container's spec to what its runner needs: the command, the probes, the hooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightkube.models.core_v1 import Container, LifecycleHandler, Probe
from lightkube.resources.core_v1 import Pod

from mesh.local.node.container import Check, NotYet, Prepared
from mesh.local.node.container_state import Waiting
from mesh.local.node.downward import UnsupportedField
from mesh.local.node.hooks import run_hook
from mesh.local.node.pod_spec import NotRunnable, Offer, command_of
from mesh.local.node.probe_schedule import Thresholds
from mesh.local.node.probes import Attempt, ProbeTarget, attempt_for
from mesh.local.node.references import MissingReference, References


def prepared(
    container: Container, pod: Pod, offer: Offer, references: References, sockets: Mapping[int, Path]
) -> Prepared:
    """Everything needed to run `container`; `sockets` are the ports its proxy took. Raises NotYet."""
    try:
        command = command_of(container, pod, offer, references)
    except (MissingReference, UnsupportedField) as error:
        raise NotYet(Waiting("CreateContainerConfigError", str(error)), "Failed") from error
    except NotRunnable as error:
        raise NotYet(Waiting("CreateContainerError", str(error)), "Failed") from error
    target = ProbeTarget.of(container, offer.addresses.pod, sockets, command)
    lifecycle = container.lifecycle
    return Prepared(
        command=command,
        startup=_check(container.startupProbe, target),
        readiness=_check(container.readinessProbe, target),
        liveness=_check(container.livenessProbe, target),
        post_start=_hook(lifecycle.postStart if lifecycle else None, target),
        pre_stop=_hook(lifecycle.preStop if lifecycle else None, target),
    )


def _check(probe: Probe | None, target: ProbeTarget) -> Check | None:
    return Check(Thresholds.of(probe), attempt_for(probe, target)) if probe else None


def _hook(handler: LifecycleHandler | None, target: ProbeTarget) -> Attempt | None:
    if handler is None:
        return None

    async def run() -> None:
        await run_hook(handler, target)

    return run
