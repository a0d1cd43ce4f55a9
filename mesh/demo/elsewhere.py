"""What does the tour need of a cluster that is not this machine's? Both canaries, and processes it can reach."""

from __future__ import annotations

from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment

from mesh.chosen_cluster import NAMESPACE
from mesh.local.absence import absence_is_fine
from mesh.local.problems import LocalClusterError

CANARIES = ("catalog-v2", "payments-v2")
INJURED = "catalog-v1"


class NotForTheTour(LocalClusterError):
    """The cluster's shop lacks what the tour shows."""

    exit_code = 3


async def check_stage(client: AsyncClient) -> None:
    """Make sure that the shop there is the one of overlay `kind`. Raises NotForTheTour."""
    missing = [name for name in (*CANARIES, INJURED) if await _deployment(client, name) is None]
    if missing:
        raise NotForTheTour(f"the tour needs {', '.join(missing)}, which the overlay kind has: `argosy deploy kind`")
    injured = await _deployment(client, INJURED)
    if not (
        injured and injured.spec and injured.spec.template.spec and injured.spec.template.spec.shareProcessNamespace
    ):
        raise NotForTheTour("the tour kills processes in pods that share them: `argosy deploy kind`")


async def _deployment(client: AsyncClient, name: str) -> Deployment | None:
    with absence_is_fine():
        return await client.get(Deployment, name, namespace=NAMESPACE)
    return None
