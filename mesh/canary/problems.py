"""How can `argosy canary` end, and which exit code says so?

 0  promoted
10  rolled back
11  inconclusive or paused: the weights stay as they are
20  refused: somebody else holds the lock, something else changed the route, a precondition does not hold
30  the tool could not do its work
"""

from __future__ import annotations

from mesh.local.problems import LocalClusterError

PROMOTED, ROLLED_BACK, INCONCLUSIVE, REFUSED, TOOL_ERROR = 0, 10, 11, 20, 30


class CanaryError(LocalClusterError):
    """The tool could not do its work; nothing is known to be wrong with either version."""

    exit_code = TOOL_ERROR


class Refused(CanaryError):
    """It was not done, because it would not have been safe; the message says what to do."""

    exit_code = REFUSED


class Held(Refused):
    """Another operator's runner holds the service's Lease, or a chaos experiment does."""

    def __init__(self, service: str, holder: str) -> None:
        super().__init__(
            f"{holder} is hurting {service} on purpose; wait until that has ended"
            if " chaos " in holder
            else f"{holder} runs a canary of {service}; look at `argosy canary status {service}`,"
            " or take it over with --steal and a reason"
        )
        self.service, self.holder = service, holder


class Drifted(Refused):
    """The route is not as the run has left it: somebody else changed it, and it is not overwritten."""

    def __init__(self, service: str, found: str, expected: str) -> None:
        super().__init__(f"the route of {service} is {found}, but this run has left it at {expected}; it is left alone")
        self.service, self.found, self.expected = service, found, expected


class NoRun(Refused):
    """There is no run of this service to do that with."""


class Tampered(CanaryError):
    """A journal whose hash chain does not hold: an entry is missing, or was changed after it was written."""
