"""How is a part of an object changed without losing a change of others? A JSON Patch tests first (RFC 6902)."""

from __future__ import annotations

from typing import Any

from lightkube.types import PatchType

from mesh.chaos.site import Site


async def compare_and_set(site: Site, kind: Any, name: str, path: str, *, old: Any, new: Any) -> None:
    """Make what stands at `path` of this object `new`, provided that it is `old`; None: nothing stands there.

    Raises ApiError when something else stands there now.
    """
    test = [] if old is None else [{"op": "test", "path": path, "value": old}]
    change = {"op": "remove", "path": path} if new is None else {"op": "add", "path": path, "value": new}
    patch = [*test, change]
    await site.client.patch(kind, name, patch, namespace=site.shop.namespace, patch_type=PatchType.JSON)
