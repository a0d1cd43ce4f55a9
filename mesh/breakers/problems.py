"""What can keep `argosy breakers` from doing what was asked, and which exit code says so?"""

from __future__ import annotations

from mesh.local.problems import LocalClusterError

ALL_REACHED, NOT_ALL = 0, 1


class NoSuchThing(LocalClusterError):
    """There is no such service, callee or group; the message names those there are."""

    exit_code = 2


class NoAnswer(LocalClusterError):
    """The operator could not be run, or is refused."""

    exit_code = 3
