"""How long until a container that ended is started again? The kubelet's answer.

The first restart is immediate, the next waits 10 s, then twice as long each time up to 5 minutes. A container
that ran for more than 10 minutes since its last restart begins anew (kubernetes.io, "Pod Lifecycle").
"""

from __future__ import annotations

INITIAL = 10.0
MAXIMUM = 300.0
FORGET_AFTER = 2 * MAXIMUM


class RestartBackoff:
    """One container's restarts. Times are seconds on one monotonic clock."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._restarted_at = 0.0

    def delay(self, ended_at: float) -> float:
        """Seconds to wait, for a container that ended at `ended_at`; counts as one restart."""
        if self._delay == 0.0 or ended_at - self._restarted_at > FORGET_AFTER:
            waiting, self._delay = 0.0, INITIAL
        else:
            waiting, self._delay = self._delay, min(self._delay * 2, MAXIMUM)
        self._restarted_at = ended_at + waiting
        return waiting


def should_restart(policy: str, exit_code: int) -> bool:
    """Whether restartPolicy `policy` starts a container again that ended with `exit_code`."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)
