"""How can `argosy chaos` end, and which exit code says so?

0  PASS     the hypothesis held
1  FAIL     it did not
2           wrong usage
3  INVALID  nothing is proved: no steady state, no proof of the fault, too little load
4  ABORTED  somebody or a guard ended it; everything is undone
5  LEAKED   something is left behind that could not be undone
20          refused: another experiment or a canary is at work, or this cluster is not for experiments
30          the tool could not do its work
"""

from __future__ import annotations

from mesh.local.problems import LocalClusterError

PASS, FAIL, INVALID, ABORTED, LEAKED, REFUSED, TOOL_ERROR = 0, 1, 3, 4, 5, 20, 30


class ChaosError(LocalClusterError):
    """The tool could not do its work; nothing is known about the shop."""

    exit_code = TOOL_ERROR


class Refused(ChaosError):
    """It was not begun, because it would not have been safe; the message says what to do."""

    exit_code = REFUSED


class BadExperiment(ChaosError):
    """A file that is no experiment; the message says where and why."""

    exit_code = 2


class NotInjected(ChaosError):
    """A fault that could not be injected; the run is INVALID."""

    exit_code = INVALID
