"""A catalog canary at 25 % in a Kubernetes API, a runner that renews its Lease or is dead, and a clock to move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from lightkube import AsyncClient

from mesh.canary.act.lease import EXPIRES_AFTER, RENEW_EVERY
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import Journals
from mesh.canary.watchdog.presence import ALL
from mesh.canary.watchdog.watching import Watchdog
from tests.canary.act.routes import primary, virtual_service
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.look.story import ANNA, RUN, Story

SERVICE, LEASE = "catalog", "canary-catalog"


def at_25() -> Story:
    """A run whose journal says 25 %."""
    return Story().started().shifted(0, 5).shifted(1, 25)


class Enough(Exception):
    """The test has seen what it wanted to see, or time is up."""


class Unattended:
    """The cluster, and time: every pause of the watchdog moves it."""

    def __init__(self, story: Story | None = None, weight: int = 25) -> None:
        self.api, self.now = KubernetesApi(), 1000.0
        self.renews = False
        """Whether the runner lives."""
        self.api.put("virtualservices", virtual_service(primary(v1=100 - weight, v2=weight)))
        self.api.put("pods", _pod("catalog-v2-0"))
        self.keep(story or at_25())
        self.lease(renewed=0.0)

    def keep(self, story: Story) -> None:
        """Put a run's journal where it belongs."""
        data = {f"e{entry.n:06d}": entry.line() for entry in story.entries}
        annotations = {"argosy/run": story.run, "argosy/parts": "0"}
        metadata = {
            "name": LEASE,
            "namespace": "shop",
            "labels": {"argosy/canary": SERVICE},
            "annotations": annotations,
        }
        self.api.put("configmaps", {"metadata": metadata, "data": data})

    def lease(self, renewed: float, holder: str = f"{ANNA} run {RUN}") -> None:
        """Somebody's Lease, renewed so many seconds ago by the API server's clock."""
        at = (self.api.clock() - timedelta(seconds=renewed)).isoformat().replace("+00:00", "Z")
        metadata = {"name": LEASE, "namespace": "shop", "labels": {"argosy/canary": SERVICE}}
        spec = {"holderIdentity": holder, "leaseDurationSeconds": int(EXPIRES_AFTER), "renewTime": at}
        self.api.put("leases", {"metadata": metadata, "spec": spec})

    def clock(self) -> float:
        return self.now

    def watchdog(
        self, client: AsyncClient, service: str = ALL, *, pid: int = 1, until: Callable[[], bool] | None = None
    ) -> Watchdog:
        """A watchdog in this time, which is up when `until` holds, at the latest after two minutes (Enough)."""
        end = self.now + 120

        async def sleep(seconds: float) -> None:
            self.now += seconds
            if self.renews and self.now % RENEW_EVERY < seconds:
                self.lease(renewed=0.0)
            elif not self.renews:
                self.lapse()
            if self.now > end or (until and until()):
                raise Enough

        return Watchdog(client, service, f"watchdog@node pid {pid}", clock=self.clock, sleep=sleep)

    def lapse(self) -> None:
        """Let the time of the watchdog pass for the API server, too: what nobody renews has expired there."""
        lease = self.api.objects.get(("leases", LEASE))
        if lease and str(lease["spec"].get("holderIdentity", "")).startswith(ANNA):
            lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000001Z"

    @property
    def weights(self) -> dict[str, int]:
        (rule,) = self.api.objects["virtualservices", SERVICE]["spec"]["http"]
        return {one["destination"]["subset"]: one["weight"] for one in rule["route"]}

    @property
    def holder(self) -> str:
        return str(self.api.objects["leases", LEASE]["spec"].get("holderIdentity") or "")

    async def entries(self, client: AsyncClient) -> tuple[Entry, ...]:
        kept = await Journals(client, SERVICE).read()
        return kept.entries if kept else ()

    def events(self) -> Iterator[str]:
        """The reasons of the Events there are."""
        return (one["reason"] for (plural, _), one in self.api.objects.items() if plural == "events")


def kinds(entries: tuple[Entry, ...], after: int) -> list[Kind]:
    """The kinds of the entries that were added after so many."""
    return [entry.kind for entry in entries[after:]]


def _pod(name: str) -> dict[str, Any]:
    labels = {"app": SERVICE, "version": "v2"}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "status": status}
