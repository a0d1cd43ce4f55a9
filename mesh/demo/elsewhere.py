"""What does the tour need of a cluster that is not this machine's? Both canaries, and a way to the pods' processes."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import NAMESPACE
from mesh.kubectl import Kubectl, KubectlFailed
from mesh.local.absence import absence_is_fine
from mesh.local.problems import LocalClusterError
from mesh.running_shop import ShopError, pod_name

CANARIES = ("catalog-v2", "payments-v2")
INJURED = "catalog-v1"
# Run in the container, by its own user: the processes of a pod that shares them are in each container's /proc. A
# service is `python -m services.NAME`.
_SEND = """
import os, sys
module, number = f"services.{sys.argv[1]}".encode(), int(sys.argv[2])
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")
    except OSError:
        continue
    if module in words:
        os.kill(pid, number)
        print(pid)
"""


class NotForTheTour(LocalClusterError):
    """The cluster's shop lacks what the tour shows."""

    exit_code = 3


@dataclass(frozen=True)
class PodProcesses:
    """The processes of the pods of a cluster, reached by `kubectl exec`."""

    kubectl: Kubectl

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number in the pod. Raises ShopError when there is none."""
        command = ("python", "-c", _SEND, container, str(int(number)))
        arguments = ("exec", f"--namespace={NAMESPACE}", pod_name(pod), f"--container={container}", "--", *command)
        try:
            sent = (await self.kubectl.run(*arguments)).split()
        except KubectlFailed as error:
            raise ShopError(f"no signal reaches pod {pod_name(pod)}: {error.words}") from error
        if not sent:
            raise ShopError(f"pod {pod_name(pod)} has no process services.{container}")
        return int(sent[0])


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
