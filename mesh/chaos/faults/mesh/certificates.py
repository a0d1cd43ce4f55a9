"""What if certificates lasted for seconds? Each sidecar asks for as long as it wants, and istiod signs that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple

import yaml
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod
from pydantic import Field

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.envoy import asked
from mesh.chaos.faults.mesh.variables import together
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.running_shop import POLL, ShopError, pod_name

_CONFIG = "proxy.istio.io/config"
_A_MOMENT = 3.0  # seconds that a certificate may be overdue
_ENDS_WITHIN = 40.0


@dataclass(frozen=True)
class ShortCertificates:
    """Those of `deployments` last for `seconds`; their sidecars fetch new ones when half of that is over."""

    kind: ClassVar[str] = "short-certificates"
    lasting: ClassVar[bool] = True

    deployments: tuple[str, ...]
    seconds: Annotated[int, Field(ge=4)]

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {"before": {name: await self._annotation(site, name) for name in self.deployments}}

    async def inject(self, site: Site, memory: Memory) -> None:
        await together(self._set(site, name, self._config(before)) for name, before in memory["before"].items())

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """Envoy is asked which certificates it shows."""
        shown = await certificates(site, self.deployments)
        short = [own for own in shown if own.left < self.seconds + _A_MOMENT]
        seen = f"{len(short)} of {len(shown)} certificates end within {self.seconds} s"
        return Proof(len(short) == len(shown) or (None if short else False), seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """An annotation that somebody else has changed meanwhile is left."""
        ours = {name: self._config(before) for name, before in memory["before"].items()}
        left = [name for name, config in ours.items() if await self._annotation(site, name) == config]
        await together(self._set(site, name, memory["before"][name]) for name in left)

    def _config(self, before: str | None) -> str:
        """Istio's per-pod proxy configuration with our wish in it; JSON, which is YAML, too."""
        config: dict[str, Any] = yaml.safe_load(before or "{}")
        return json.dumps(
            config | {"proxyMetadata": {**config.get("proxyMetadata", {}), "SECRET_TTL": f"{self.seconds}s"}}
        )

    async def _annotation(self, site: Site, deployment: str) -> str | None:
        found = await site.client.get(Deployment, deployment, namespace=site.shop.namespace)
        metadata = found.spec and found.spec.template.metadata
        return ((metadata and metadata.annotations) or {}).get(_CONFIG)

    async def _set(self, site: Site, deployment: str, config: str | None) -> None:
        await site.shop.annotate(deployment, {_CONFIG: config})


@dataclass(frozen=True)
class CertificatesEnd:
    """The certificates that `deployments` show now are shown no more: replaced, or over if nobody replaces them."""

    kind: ClassVar[str] = "certificates-end"
    lasting: ClassVar[bool] = False

    deployments: tuple[str, ...]

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        shown = await certificates(site, self.deployments)
        return {"shown": {own.pod: own.serial for own in shown}}

    async def inject(self, site: Site, memory: Memory) -> None:
        """It happens by itself. Raises NotInjected when it does not."""
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                while not (await self.proof(site, memory)).present:
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise NotInjected(
                f"certificates of {', '.join(self.deployments)} last longer than {_ENDS_WITHIN:g} s"
            ) from None

    async def proof(self, site: Site, memory: Memory) -> Proof:
        shown = await certificates(site, self.deployments)
        replaced = [own for own in shown if own.serial != memory["shown"].get(own.pod)]
        over = [own for own in shown if own not in replaced and own.left <= 0]
        seen = f"of {len(shown)} certificates {len(replaced)} were replaced, and {len(over)} are over"
        return Proof(len(replaced) + len(over) == len(shown), seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """There is nothing to undo."""


class Certificate(NamedTuple):
    """What one pod shows of itself to its peers."""

    pod: str
    serial: str
    left: float
    """Seconds until it ends."""


async def certificates(site: Site, deployments: Sequence[str]) -> list[Certificate]:
    """Those of their pods. Raises ShopError when there is none, for then nobody can be asked."""
    pods = [pod for name in deployments for pod in await site.shop.pods(*name.rsplit("-", 1))]
    if not pods:
        raise ShopError(f"{', '.join(deployments)} have no pod that could be asked")
    return list(await asyncio.gather(*(_certificate(site, pod) for pod in pods)))


async def _certificate(site: Site, pod: Pod) -> Certificate:
    """Envoy names what it uses for each listener and each cluster; the latest is what new connections get."""
    chains = [one["cert_chain"] for one in json.loads(await asked(site, pod, "/certs"))["certificates"]]
    own = max((chain[0] for chain in chains if chain), key=lambda each: str(each["expiration_time"]))
    ends = datetime.fromisoformat(own["expiration_time"])
    return Certificate(pod_name(pod), str(own["serial_number"]), (ends - datetime.now(UTC)).total_seconds())
