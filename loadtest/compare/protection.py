"""Which layers protect the shop? Those of the application, those of the mesh, both or none.

    application   RESILIENCE and ADAPTIVE_LIMIT of every service: retries, breakers, bulkheads, fallbacks, limits
    mesh          retries, retry budgets and outlier detection of Istio's objects

Deadlines, probes and Kubernetes itself stay: nobody runs without them.
"""

from enum import Enum

SETTINGS = ("RESILIENCE", "ADAPTIVE_LIMIT")


class Protection(Enum):
    """What is on: `app` the application's layers, `mesh` those of the mesh."""

    OFF = ("off", False, False)
    MESH = ("mesh only", False, True)
    APP = ("app only", True, False)
    BOTH = ("both", True, True)

    def __init__(self, title: str, app: bool, mesh: bool) -> None:  # noqa: FBT001 - written four lines above
        self.title, self.app, self.mesh = title, app, mesh


FORTH = (Protection.OFF, Protection.MESH, Protection.APP, Protection.BOTH)
BACK = FORTH[::-1]
"""Going there and back, the application's settings change once per fault: each change restarts every service."""
