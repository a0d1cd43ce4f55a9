"""What does a pod's Envoy say of itself? Asked from inside the pod, past Kubernetes and istiod.

That is what makes a proof independent: the objects say what was asked for, Envoy says what it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from lightkube.resources.core_v1 import Pod

from mesh.chaos.site import Site
from mesh.local.node.sidecar import ADMIN_PORT
from mesh.running_shop import ShopError, pod_address

# Runs beside the service, which has Python, and shares the network with Envoy.
_ASK = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=5).read().decode())
"""
_LOOPBACK = "127.0.0.1"


async def asked(site: Site, pod: Pod, path: str) -> str:
    """What the Envoy beside the pod's service answers. Raises ShopError."""
    host = pod_address(pod) if site.cluster.local else _LOOPBACK  # on one machine a pod's loopback is its address
    return await site.processes.python(pod, app_of(pod), _ASK, f"http://{host}:{ADMIN_PORT}{path}")


async def pods_of(site: Site, app: str) -> list[Pod]:
    """The running pods of `app`. Raises ShopError when there is none, for then nobody can be asked."""
    pods = await site.shop.pods(app)
    if not pods:
        raise ShopError(f"{app} has no pod that could be asked")
    return pods


async def listeners(site: Site, pod: Pod) -> str:
    """The listeners that are in force, as JSON; one that only finishes its last calls is not."""
    return json.dumps([*_active(json.loads(await asked(site, pod, "/config_dump?resource=dynamic_listeners")))])


def _active(dump: Any) -> Iterator[Any]:
    for listener in dump.get("configs", []):
        if "active_state" in listener:
            yield listener["active_state"]


async def statistics(site: Site, pod: Pod, regex: str) -> dict[str, float]:
    """Its counters and gauges whose names match; where Istio keeps them from being counted there are none."""
    return dict(_numbers((await asked(site, pod, f"/stats?filter={regex}")).splitlines(), ": "))


async def hosts(site: Site, pod: Pod, host: str) -> dict[str, float]:
    """What was counted about the endpoints of a host, summed; empty when Envoy does not know the host."""
    found: dict[str, float] = {}
    for name, value in _numbers((await asked(site, pod, "/clusters")).splitlines(), "::"):
        cluster, _, rest = name.partition("::")
        if cluster.endswith(f"|{host}"):
            counter = rest.rpartition("::")[2]
            found[counter] = found.get(counter, 0.0) + value
    return found


def _numbers(lines: Iterable[str], separator: str) -> Iterator[tuple[str, float]]:
    for line in lines:
        name, _, value = line.rpartition(separator)
        try:
            yield name, float(value)
        except ValueError:
            continue  # a word: a priority, a health flag, a histogram


def app_of(pod: Pod) -> str:
    """The service of a pod, whose container is called alike."""
    return str(((pod.metadata and pod.metadata.labels) or {}).get("app", ""))
