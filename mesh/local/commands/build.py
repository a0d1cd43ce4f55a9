from __future__ import annotations

from mesh.local.commands.surroundings import end_like_ctrl_c, progress, settings
from mesh.local.programs import CRDS, ENVOY, PACKAGES, ensure


def build() -> None:
    """Build every program that the local cluster, its tools and its tests run; nothing when all are there.

    `argosy up` builds what it needs by itself; this brings istioctl too, at less cost than alone.

    \b
    argosy build

    \b
    Exit codes: 0 all there, 6 a program could not be built, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    with progress() as told:
        ensure(settings(), {*PACKAGES, ENVOY, CRDS}, told)
