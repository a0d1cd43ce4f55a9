"""What goes first? The order in which an overlay's objects are applied and waited for. Pure.

applied      the namespace (Secrets are put there next), then everything else in one go: a pod waits by itself for
             what it needs, its database's schema included
waited for   the database, then the migrations, then the roll-outs
replaced     a Job, which cannot be changed: one whose pod is another now is deleted, when it is not at work
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mesh.deploy.overlay import Manifest, Overlay

NAMESPACE = "Namespace"
WAITED_FOR: Sequence[tuple[str, str]] = (("database", "StatefulSet"), ("migrations", "Job"), ("roll-out", "Deployment"))


@dataclass(frozen=True)
class Phase:
    """Objects that are waited for together."""

    title: str
    kind: str
    names: Sequence[str]


def to_apply(overlay: Overlay) -> tuple[list[Manifest], list[Manifest]]:
    """The namespace, and the rest."""
    first = overlay.kinds(NAMESPACE)
    return first, [one for one in overlay.objects if one not in first]


def to_wait_for(overlay: Overlay) -> list[Phase]:
    """The phases that have something to wait for, in order."""
    phases = [
        Phase(title, kind, [one["metadata"]["name"] for one in overlay.kinds(kind)]) for title, kind in WAITED_FOR
    ]
    return [phase for phase in phases if phase.names]


def to_replace(wanted: Sequence[Manifest], present: Sequence[Manifest]) -> list[str]:
    """The Jobs in the cluster that must go before the wanted ones can come: they are others, or are to be tried again.

    Those at work are for later.
    """
    pairs = [*_pairs(wanted, present)]
    return [_name(job) for want, job in pairs if not _at_work(job) and (_has(job, "Failed") or _differ(want, job))]


def to_outlast(wanted: Sequence[Manifest], present: Sequence[Manifest]) -> list[str]:
    """The Jobs that must go as well, but are at work, perhaps in the middle of a table: their end is waited for."""
    return [_name(job) for want, job in _pairs(wanted, present) if _at_work(job) and _differ(want, job)]


def _pairs(wanted: Sequence[Manifest], present: Sequence[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    there = {_name(one): one for one in present}
    return ((one, there[_name(one)]) for one in wanted if _name(one) in there)


def _at_work(job: Manifest) -> bool:
    """Whether a program runs in one of its pods: not one whose image never comes."""
    return bool((job.get("status") or {}).get("ready"))


def _has(job: Manifest, kind: str) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def _differ(wanted: Manifest, present: Manifest) -> bool:
    return not _within(wanted["spec"]["template"]["spec"], present["spec"]["template"]["spec"])


def _name(one: Manifest) -> str:
    return str(one["metadata"]["name"])


def _within(wanted: Any, present: Any) -> bool:
    """Whether all that is wanted is there; the API server has added defaults, but never to a list."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(_within(value, present.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(present, list) and len(wanted) == len(present)
        return same_length and all(map(_within, wanted, present))
    return bool(wanted == present)


def content(one: Manifest) -> Manifest:
    """An object without what the cluster writes into it."""
    metadata = {key: value for key, value in one["metadata"].items() if key in {"labels", "annotations"}}
    return {**{key: value for key, value in one.items() if key != "status"}, "metadata": metadata}


def changed(before: Sequence[Manifest], after: Sequence[Manifest]) -> list[str]:
    """Which objects an apply has made or changed, as `kind/name`."""
    known = {_key(one): content(one) for one in before}
    return ["/".join(_key(one)) for one in after if known.get(_key(one)) != content(one)]


def _key(one: Manifest) -> tuple[str, str]:
    return str(one["kind"]).lower(), str(one["metadata"]["name"])
