"""What can keep an overlay from being deployed, and which exit code says so?

LocalClusterError     1
  Refused             1  kubectl or the API server refuses the manifests
  WrongOverlay        2  there is no such overlay, or it is not for this cluster, or not finished
  ClusterLacks        3  the cluster lacks something the overlay needs
  NoCluster           4  there is no cluster to deploy to, or it does not answer
  Fails               7  something will not come up by itself
  NotInTime           8  something did not come up in time
"""

from __future__ import annotations

from collections.abc import Sequence

from mesh.local.problems import LocalClusterError


class Refused(LocalClusterError):
    """The manifests were not taken, or not all of them."""


class WrongOverlay(LocalClusterError):
    """Not this overlay, not here, or not yet."""

    exit_code = 2


class ClusterLacks(LocalClusterError):
    """Everything that is missing, each with the next step."""

    exit_code = 3

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__("\n".join(lacking))
        self.lacking = lacking


class NoCluster(LocalClusterError):
    """Nobody to deploy to."""

    exit_code = 4


class Fails(LocalClusterError):
    """What was applied stays; the message says what has to be mended, and how to go on."""

    exit_code = 7


class NotInTime(LocalClusterError):
    """The same, for what may still come up."""

    exit_code = 8
