"""Which loopback addresses does a pod get? A pair with the same host part: its own, and one for its calls."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


class AddressesExhausted(Exception):
    """Every address of the pool belongs to a pod."""


@dataclass(frozen=True)
class PodAddresses:
    pod: str
    """Where the pod is reached."""
    egress: str
    """Where the pod's sidecar accepts the pod's own calls."""


class AddressPool:
    """Hands out addresses in turn, so that one just freed is the last to be used again.

    A peer may still hold a connection to a pod that has ended; it must not meet another pod there.
    """

    def __init__(self, pod_network: IPv4Network, egress_network: IPv4Network) -> None:
        self._pods, self._egress = pod_network, egress_network
        self._count = min(pod_network.num_addresses, egress_network.num_addresses) - 2
        self._taken: set[int] = set()
        self._last = 0

    def take(self, preferred: str | None = None) -> PodAddresses:
        """A free pair, `preferred` (a pod address) when it is one of ours and free.

        Raises AddressesExhausted.
        """
        number = self._number_of(preferred)
        if number is None or number in self._taken:
            number = self._next_free()
        self._taken.add(number)
        return PodAddresses(pod=str(self._pods[number]), egress=str(self._egress[number]))

    def give_back(self, addresses: PodAddresses) -> None:
        number = self._number_of(addresses.pod)
        if number is not None:
            self._taken.discard(number)

    def _next_free(self) -> int:
        for step in range(self._count):
            number = (self._last + step) % self._count + 1
            if number not in self._taken:
                self._last = number
                return number
        raise AddressesExhausted(f"all {self._count} addresses of {self._pods} are taken")

    def _number_of(self, address: str | None) -> int | None:
        if not address:
            return None
        parsed = IPv4Address(address)
        number = int(parsed) - int(self._pods.network_address)
        return number if parsed in self._pods and 0 < number <= self._count else None
