"""What if no browser can be had? Tests say so and fail; the tour says so and goes on."""

from __future__ import annotations

from mesh.local.problems import BuildFailed


class NoChromium(BuildFailed):
    """There is no Chromium here and none can be fetched, or it does not start; the message says what was tried."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no Chromium: {why}\n`apt-get install chromium` brings one, ARGOSY_CHROMIUM=/path names one")
