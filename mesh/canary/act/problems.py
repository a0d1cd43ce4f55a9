"""What else than a lock or drift keeps a canary from acting on a cluster?"""

from __future__ import annotations

from mesh.canary.problems import Refused


class NoRoute(Refused):
    """The service has no route a canary could move; the message says what is missing."""


class Lost(Refused):
    """The lock is no longer ours: it expired and was taken, was stolen, or was deleted."""

    def __init__(self, service: str, holder: str) -> None:
        who = holder or "nobody"
        super().__init__(f"the lock of {service}'s canary is held by {who} now; this run changes nothing any more")
        self.service, self.holder = service, holder
