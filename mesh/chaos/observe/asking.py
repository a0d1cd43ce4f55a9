"""How are the pods of a site asked for what they count?"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mesh.chaos.site import Site
from mesh.local.settings import read_settings
from mesh.pod_pages import Way, way_to


def way_of(site: Site) -> AbstractAsyncContextManager[Way]:
    """The way to its pods while the block runs. Raises BuildFailed when there is no kubectl to be had."""
    return way_to(site.cluster, site.client.config, read_settings(os.environ), _Said(site.say))


class _Said:
    """Progress, told with the run's."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def now(self, text: str) -> None:
        self._say(text)

    def done(self, text: str) -> None:
        self._say(text)
