"""How is a service's route read and changed? Through the Kubernetes API, never over what somebody else wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from lightkube import ApiError, AsyncClient
from lightkube.types import PatchType

from mesh.canary.act.problems import NoRoute
from mesh.canary.act.route import Patch, Route, Sticky, spelled
from mesh.canary.problems import Drifted
from mesh.chosen_cluster import NAMESPACE
from mesh.istio_kinds import VirtualService

FIELD_MANAGER = "argosy-canary"

# A test of a JSON Patch that does not hold is 422, an object that changed between reading and writing 409.
_OVERTAKEN = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
# So often somebody else may write at the same moment before we say that we cannot.
_TRIES = 10


class Routing:
    """One service's VirtualService; every method raises NoRoute when there is no rule `primary` in it."""

    def __init__(self, client: AsyncClient, service: str, *, namespace: str = NAMESPACE) -> None:
        self.client, self.service, self.namespace = client, service, namespace

    async def look(self) -> Route:
        """The route as it stands."""
        try:
            found = await self.client.get(VirtualService, self.service, namespace=self.namespace)
        except ApiError as error:
            if error.status.code == HTTPStatus.NOT_FOUND:
                raise NoRoute(f"there is no VirtualService {self.service} in namespace {self.namespace}") from None
            raise
        return Route.of(self.service, found)

    async def set_weights(self, expected: Route, weights: Mapping[str, int], *, dry_run: bool = False) -> Route:
        """Give each version its percent, if the route is still the expected one. Raises Drifted.

        `dry_run`: the API server checks everything and keeps nothing; the answer is what would be.
        """
        return await self._change(expected, lambda route: route.with_weights(weights), dry_run=dry_run)

    async def set_back(self, version: str, *, dry_run: bool = False) -> Route:
        """All traffic to `version` and no header rule, whatever stands there now: what `rollback --now` does."""
        return await self._change(None, lambda route: route.all_to(version), dry_run=dry_run)

    async def add_header_rule(
        self, expected: Route, version: str, sticky: Sticky | None = None, *, dry_run: bool = False
    ) -> Route:
        """Route `x-canary: always` (and the sticky header) to `version`, before the weights. Raises Drifted."""
        return await self._change(expected, lambda route: route.with_header_rule(version, sticky), dry_run=dry_run)

    async def remove_header_rule(self, expected: Route, *, dry_run: bool = False) -> Route:
        """Take that rule away; nothing happens when it is not there. Raises Drifted."""
        return await self._change(expected, Route.without_header_rule, dry_run=dry_run)

    async def _change(self, expected: Route | None, patch_of: Callable[[Route], Patch], *, dry_run: bool) -> Route:
        """Patch the route; when others have written meanwhile, again on what they left, unless that is drift."""
        route = expected or await self.look()
        for _ in range(_TRIES):
            patch = patch_of(route)
            if not patch:
                return route
            try:
                return await self._patched(patch, dry_run=dry_run)
            except ApiError as error:
                if error.status.code not in _OVERTAKEN:
                    raise
                refusal = error
            found = await self.look()
            if expected and found.ours != expected.ours:
                raise _drifted(expected, found)
            if found.resource_version == route.resource_version:
                raise refusal  # nobody overtook us: Istio's webhook refuses what we want
            route = found
        raise refusal

    async def _patched(self, patch: Patch, *, dry_run: bool) -> Route:
        document = await self.client.patch(
            VirtualService,
            self.service,
            patch,
            namespace=self.namespace,
            patch_type=PatchType.JSON,
            field_manager=FIELD_MANAGER,
            dry_run=dry_run,
        )
        return Route.of(self.service, document)


def _drifted(expected: Route, found: Route) -> Drifted:
    same = found.weights == expected.weights
    now = "another in its rules than its weights" if same else spelled(found.weights)
    return Drifted(expected.service, f"{now} (by {found.changed_by(expected)})", spelled(expected.weights))
