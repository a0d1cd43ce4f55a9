"""How does an overlay get into a cluster, and when has it arrived? Applied once, then watched phase by phase."""

from __future__ import annotations

import asyncio
import json
import secrets as random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
import yaml
from lightkube import ApiError, AsyncClient

from mesh.deploy import phases, preflight, secrets
from mesh.deploy.overlay import Manifest, Overlay
from mesh.deploy.phases import Phase
from mesh.deploy.problems import ClusterLacks, Fails, NoCluster, NotInTime, Refused
from mesh.deploy.rollout import Standing, Verdict, standing
from mesh.deploy.watching import last_words, look
from mesh.kubectl import Kubectl, KubectlFailed
from mesh.local.progress import Progress

LOOK_EVERY = 1.0
FIELD_MANAGER = "argosy"
_APPLY = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-")
_APPLIES_WITHIN = 120.0
_BYTES = 16
_FEW = 8  # so many are named
_GO_ON = "What was applied stays; mend it and go on with"


@dataclass(frozen=True)
class Delivery:
    """One overlay on its way to one cluster; `again` is the command that goes on with it."""

    overlay: Overlay
    kubectl: Kubectl
    progress: Progress
    again: str

    async def check(self) -> None:
        """Make sure that the cluster can take it. Raises ClusterLacks, NoCluster."""
        name = self.kubectl.cluster.name
        self.progress.now(f"asking {name}")
        try:
            facts = await preflight.look(self.kubectl, self.overlay)
        except KubectlFailed as error:
            raise NoCluster(f"the cluster of context {name} does not answer: {error.words}") from error
        if gaps := preflight.lacking(facts, self.overlay):
            raise ClusterLacks([f"context {name}: {gap}" for gap in gaps])
        self.progress.done(f"context {name}: Kubernetes {facts.version}, Istio, everything the overlay asks for")

    async def apply(self, time_is_over: Callable[[], bool]) -> list[str]:
        """Apply it, its development secrets first; what that has made or changed. Raises Refused, NotInTime."""
        namespace, rest = phases.to_apply(self.overlay)
        changed = await self._apply(namespace)
        if self.overlay.has_database_server:
            changed += await self._secrets()
        await self._make_room_for_jobs(time_is_over)
        self.progress.now(f"applying {len(rest)} objects")
        changed += await self._apply(rest)
        done = f"{len(changed)} made or changed" if changed else "nothing changed"
        if 0 < len(changed) <= _FEW:
            done += f" ({', '.join(changed)})"
        self.progress.done(f"applied {len(self.overlay.objects)} objects of {self.overlay.name}: {done}")
        return changed

    async def wait(self, client: AsyncClient, time_is_over: Callable[[], bool]) -> None:
        """Wait for each phase in turn. Raises Fails, and NotInTime."""
        for phase in phases.to_wait_for(self.overlay):
            while left := await self._left(client, phase):
                name, why = left[0]
                self.progress.now(f"{phase.title}: {len(left)} to go: {name}: {why}")
                if time_is_over():
                    listed = "; ".join(f"{name}: {reason}" for name, reason in left)
                    raise NotInTime(f"{phase.title} not complete in time: {listed}. {_GO_ON} `{self.again}`")
                await asyncio.sleep(LOOK_EVERY)
            self.progress.done(f"{phase.title}: {', '.join(phase.names)}")

    async def _left(self, client: AsyncClient, phase: Phase) -> list[tuple[str, str]]:
        """What is not there yet, with the reason. Raises Fails."""
        try:
            seen = await look(client, self.overlay.namespace, phase)
        except (ApiError, httpx2.HTTPError) as error:  # it was there a moment ago; its own restart takes some seconds
            return [("the API", str(error) or type(error).__name__)]
        now = datetime.now(UTC)
        found = {name: standing(seen[name], now) if name in seen else None for name in phase.names}
        for name, one in found.items():
            if one and one.verdict is Verdict.FAILED:
                raise Fails(f"{phase.kind.lower()}/{name}: {await self._explained(one)}\n{_GO_ON} `{self.again}`")
        return [
            (name, one.reason if one else "not there")
            for name, one in found.items()
            if one is None or one.verdict is Verdict.WAITING
        ]

    async def _explained(self, failed: Standing) -> str:
        if not failed.crash:
            return failed.reason
        return (
            f"{failed.reason}; its last words:\n{await last_words(self.kubectl, self.overlay.namespace, failed.crash)}"
        )

    async def _secrets(self) -> list[str]:
        asked = self.overlay.secret_keys()
        found = await self._get("secrets", sorted({*asked, secrets.PASSWORDS}))
        made = secrets.missing(asked, secrets.decoded(found), lambda: random.token_hex(_BYTES))
        if not made:
            return []
        changed = await self._apply(secrets.as_manifests(made, self.overlay.namespace))
        self.progress.done(f"made development secrets: {', '.join(made)}")
        return changed

    async def _make_room_for_jobs(self, time_is_over: Callable[[], bool]) -> None:
        wanted = self.overlay.kinds("Job")
        names = [job["metadata"]["name"] for job in wanted]
        while busy := phases.to_outlast(wanted, present := await self._get("jobs", names)):
            self.progress.now(f"waiting for the end of {', '.join(busy)}, which the overlay replaces")
            if time_is_over():
                raise NotInTime(
                    f"still at work: {', '.join(busy)}. Nothing of it was replaced; go on with `{self.again}`"
                )
            await asyncio.sleep(LOOK_EVERY)
        if stale := phases.to_replace(wanted, present):
            await self._ask("delete", "job", "--wait", f"--namespace={self.overlay.namespace}", *stale)
            self.progress.done(f"deleted Jobs that are others now, or are tried again: {', '.join(stale)}")

    async def _get(self, kind: str, names: Sequence[str]) -> list[Manifest]:
        if not names:
            return []
        arguments = [f"--namespace={self.overlay.namespace}", "--ignore-not-found", "--output=json"]
        return _items(await self._ask("get", kind, *names, *arguments))

    async def _apply(self, objects: Sequence[Manifest]) -> list[str]:
        if not objects:
            return []
        text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper)
        arguments = ["--filename=-", "--ignore-not-found", "--output=json", "--show-managed-fields=false"]
        before = _items(await self._ask("get", *arguments, given=text))
        after = _items(await self._ask(*_APPLY, "--output=json", "--show-managed-fields=false", given=text))
        return phases.changed(before, after)

    async def _ask(self, *arguments: str, given: str = "") -> str:
        try:
            return await self.kubectl.run(*arguments, given=given, within=_APPLIES_WITHIN)
        except KubectlFailed as error:
            raise Refused(f"{error}\nMend it, and go on with `{self.again}`") from error


def _items(answer: str) -> list[Manifest]:
    """What `kubectl --output=json` has answered: nothing, one object, or a list."""
    if not answer.strip():
        return []
    document: Manifest = json.loads(answer)
    items: list[Manifest] = document["items"] if document["kind"] == "List" else [document]
    return items
