"""Are there pods of the canary that can answer, and is one of them in trouble?"""

from __future__ import annotations

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.canary.act.pods import images, troubles
from mesh.canary.run.sight import Health
from mesh.local.reported import ready, staying


async def health(client: AsyncClient, service: str, versions: tuple[str, str], namespace: str) -> Health:
    """How the pods are of both `versions`, the baseline's and the canary's. One request, for it is asked often."""
    pods = [pod async for pod in client.list(Pod, namespace=namespace, labels={"app": service}) if staying(pod)]
    of = {version: [pod for pod in pods if _version(pod) == version] for version in versions}
    canary = of[versions[1]]
    running = {
        version: sorted({image for pod in of[version] for image in images(pod, service)}) for version in versions
    }
    return Health(
        ready=sum(map(ready, canary)),
        trouble=next((trouble for pod in canary for trouble in troubles(pod)), ""),
        images={version: ", ".join(sorted(found)) for version, found in running.items() if found},
    )


def _version(pod: Pod) -> str:
    labels = pod.metadata.labels if pod.metadata else None
    return str((labels or {}).get("version", ""))
