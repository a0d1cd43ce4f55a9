"""What does every measurement stand on? The running shop, a customer, and a way to say what happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lightkube.resources.core_v1 import Pod

from loadtest.bench.local_cluster import LocalCluster
from loadtest.bench.row import BenchUnavailable
from loadtest.server_calls import Counts, read_counts
from loadtest.shopper import Shopper
from mesh.running_shop import Shop, pod_name


@dataclass(frozen=True)
class Stage:
    """Everything a measurement may use."""

    cluster: LocalCluster
    shop: Shop
    shopper: Shopper
    say: Callable[[str], None]

    async def counts(self, apps: Sequence[str]) -> Counts:
        """What the servers of `apps` have counted so far."""
        return await read_counts(self.shop, self.cluster, apps)

    async def process_of(self, pod: Pod, container: str) -> int:
        """The process that a pod's container is on this machine. Raises BenchUnavailable."""
        document = await self.cluster.status() or {"pods": []}
        for shown in document["pods"]:
            for each in shown["containers"]:
                if shown["name"] == pod_name(pod) and each["name"] == container and each["pid"]:
                    return int(each["pid"])
        raise BenchUnavailable(f"pod {pod_name(pod)} has no process {container} on this machine")
