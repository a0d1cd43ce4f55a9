"""Is something up, on its way, or stuck, and why? Decided from its own state, its pods' and what was refused. Pure.

What mends itself is waited for. What needs a hand fails: at once, or after some patience where a cluster may yet help.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod

from mesh.local.reported import staying

Owner = Deployment | StatefulSet | Job

SIDECAR = "istio-proxy"
INJECT = "sidecar.istio.io/inject"
CRASHES = 3
"""So many ends in a row: a dependency that is late does not explain them."""
UNSCHEDULED_FOR = timedelta(seconds=60)
REFUSED_FOR = timedelta(seconds=15)
_NO_IMAGE = {"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_REVISIONS = ("pod-template-hash", "controller-revision-hash")


class Verdict(StrEnum):
    """How it stands."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Crash:
    """A container whose last words explain why it ended; to read them is not this module's."""

    pod: str
    container: str
    restarted: bool
    """Whether they are its previous run's."""


@dataclass(frozen=True)
class Standing:
    """A verdict, its reason for people, and whose last words belong to it."""

    verdict: Verdict
    reason: str = ""
    crash: Crash | None = None


@dataclass(frozen=True)
class Refusal:
    """The API server has not let a controller make a pod."""

    message: str
    since: datetime


@dataclass(frozen=True)
class Seen:
    """What the cluster shows of one Deployment, StatefulSet or Job."""

    owner: Owner
    pods: Sequence[Pod]
    refusal: Refusal | None = None


def standing(seen: Seen, now: datetime) -> Standing:
    """How it stands at `now`."""
    if _done(seen.owner):
        return Standing(Verdict.DONE)
    problems = [problem for pod in _newest(seen.pods) for problem in _problems(pod, now)]
    problems += [_refused(seen.refusal, now)] if seen.refusal else []
    gravest = sorted(problems, key=lambda problem: problem.verdict is not Verdict.FAILED)
    if isinstance(seen.owner, Job) and _has(seen.owner, "Failed"):
        crash = next((found for pod in seen.pods for found in _ended_badly(pod)), None)
        return Standing(Verdict.FAILED, "the Job has failed", crash)
    return gravest[0] if gravest else Standing(Verdict.WAITING, _progress(seen.owner))


def _done(owner: Owner) -> bool:
    if isinstance(owner, Job):
        return _has(owner, "Complete")
    metadata, status = owner.metadata, owner.status
    if not metadata or not status or (status.observedGeneration or 0) < (metadata.generation or 0):
        return False
    return (status.updatedReplicas or 0) == (status.replicas or 0) == (status.availableReplicas or 0) == _wanted(owner)


def _has(job: Job, condition: str) -> bool:
    conditions = (job.status.conditions if job.status else None) or []
    return any(one.type == condition and one.status == "True" for one in conditions)


def _wanted(owner: Deployment | StatefulSet) -> int:
    return 1 if owner.spec is None or owner.spec.replicas is None else owner.spec.replicas


def _progress(owner: Owner) -> str:
    if isinstance(owner, Job):
        return "running"
    available = (owner.status.availableReplicas if owner.status else None) or 0
    return f"{available} of {_wanted(owner)} available"


def _newest(pods: Sequence[Pod]) -> list[Pod]:
    """The pods of the newest revision: what is wrong with older ones is being mended by replacing them."""
    alive = list(filter(staying, pods))
    if not alive:
        return []
    newest = max(alive, key=lambda pod: (pod.metadata and pod.metadata.creationTimestamp) or _LONG_AGO)
    return [pod for pod in alive if _revision(pod) == _revision(newest)]


def _revision(pod: Pod) -> str | None:
    labels = (pod.metadata and pod.metadata.labels) or {}
    return next((labels[name] for name in _REVISIONS if name in labels), None)


def _problems(pod: Pod, now: datetime) -> Iterator[Standing]:
    name = _name(pod)
    yield from _unscheduled(pod, now)
    if _wants_sidecar(pod) and SIDECAR not in _containers(pod):
        yield _failed(
            f"{name} was made without a sidecar: is Istio's injector running, and does it watch namespaces labelled"
            " istio-injection=enabled? Then `kubectl rollout restart` what it belongs to"
        )
    for status in _statuses(pod):
        yield from _waiting(name, status)
    if _only_the_sidecar_runs(pod):
        yield _failed(
            f"{name} has done its work, but its sidecar runs on: have Istio inject native sidecars"
            " (ENABLE_NATIVE_SIDECARS=true in istiod's environment)"
        )


def _unscheduled(pod: Pod, now: datetime) -> Iterator[Standing]:
    for condition in (pod.status.conditions if pod.status else None) or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            reason = f"no node takes {_name(pod)}: {condition.message}"
            lasts = condition.lastTransitionTime and now - condition.lastTransitionTime > UNSCHEDULED_FOR
            yield _failed(f"{reason}. Free or add resources") if lasts else Standing(Verdict.WAITING, reason)


def _waiting(pod: str, status: ContainerStatus) -> Iterator[Standing]:
    state = status.state.waiting if status.state else None
    reason = (state.reason if state else None) or ""
    if reason in _NO_IMAGE:
        yield _failed(f"{pod}: {_how_to_load(status.image)} ({reason}: {state.message if state else ''})")
    elif reason == "CreateContainerConfigError":
        yield _failed(f"{pod}: {state.message if state else ''}")
    elif reason == "CrashLoopBackOff" and status.restartCount >= CRASHES:
        crash = Crash(pod, status.name, restarted=True)
        yield Standing(Verdict.FAILED, f"{pod}: {status.name} has ended {status.restartCount} times", crash)
    elif reason and reason not in {"ContainerCreating", "PodInitializing"}:
        yield Standing(Verdict.WAITING, f"{pod}: {status.name}: {reason}")


def _how_to_load(image: str) -> str:
    return (
        f"the image {image} cannot be had on its node. Bring it there (`kind load docker-image {image} --name CLUSTER`,"
        f" `minikube image load {image}`), or push it where the nodes can pull it and name it in the overlay"
    )


def _refused(refusal: Refusal, now: datetime) -> Standing:
    reason = f"its pods are refused: {refusal.message}"
    if "exceeded quota" in refusal.message:
        reason += ". Raise the ResourceQuota, or ask for less"
    elif "violates PodSecurity" in refusal.message:
        reason += ". Without Istio's CNI plugin the namespace cannot enforce `restricted` (k8s/README.md)"
    return Standing(Verdict.FAILED if now - refusal.since > REFUSED_FOR else Verdict.WAITING, reason)


def _ended_badly(pod: Pod) -> Iterator[Crash]:
    for status in _statuses(pod):
        ended = status.state.terminated if status.state else None
        if ended and ended.exitCode:
            yield Crash(_name(pod), status.name, restarted=False)


def _only_the_sidecar_runs(pod: Pod) -> bool:
    """In a pod that is meant to end: of the containers that are no native sidecars."""
    never = pod.spec and pod.spec.restartPolicy != "Always"
    statuses = (pod.status.containerStatuses if pod.status else None) or []
    running = {status.name for status in statuses if not (status.state and status.state.terminated)}
    return bool(never and len(statuses) > 1 and running == {SIDECAR})


def _statuses(pod: Pod) -> list[ContainerStatus]:
    status = pod.status
    return [*((status and status.initContainerStatuses) or ()), *((status and status.containerStatuses) or ())]


def _containers(pod: Pod) -> set[str]:
    spec = pod.spec
    return {one.name for one in [*((spec and spec.initContainers) or ()), *((spec and spec.containers) or ())]}


def _wants_sidecar(pod: Pod) -> bool:
    metadata = pod.metadata
    said = {**((metadata and metadata.annotations) or {}), **((metadata and metadata.labels) or {})}
    return said.get(INJECT) != "false"


def _name(pod: Pod) -> str:
    return str(pod.metadata and pod.metadata.name)


def _failed(reason: str) -> Standing:
    return Standing(Verdict.FAILED, reason)
