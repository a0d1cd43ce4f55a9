"""A Kubernetes API server over HTTP that keeps objects: versions, patches, conflicts and dry runs as the real one has.

It knows no kinds and judges no schema. `before_write` is where a test lets somebody else be quicker.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from lightkube import AsyncClient, KubeConfig

from tests.http_server import serving
from tests.suspended_job.scripted_api import kubeconfig

Object = dict[str, Any]
_JSON_PATCH, _MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
_STRATEGIC_PATCH = "application/strategic-merge-patch+json"  # differs in lists, which nobody here merges
_APPLY = "application/apply-patch+yaml"


class Refusal(Exception):
    """The server does not do it."""

    def __init__(self, code: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass
class KubernetesApi:
    """Objects by plural and name, in one namespace. `clock` is the server's."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    before_write: Callable[[str, str], None] = lambda _method, _path: None
    written: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path and body of every write that was tried."""
    version: int = 100

    def put(self, plural: str, document: Object, manager: str = "") -> Object:
        """Store an object as it is, whatever was there; somebody's write when `manager` is named."""
        self.version += 1
        kept = copy.deepcopy(document)
        metadata = kept.setdefault("metadata", {})
        metadata["resourceVersion"] = str(self.version)
        if manager:
            others = [one for one in metadata.get("managedFields", []) if one["manager"] != manager]
            stamp = f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"
            metadata["managedFields"] = [*others, {"manager": manager, "operation": "Update", "time": stamp}]
        self.objects[plural, metadata["name"]] = kept
        return kept

    def edit(self, plural: str, name: str, change: Callable[[Object], None], manager: str = "kubectl-edit") -> None:
        """What somebody else does to an object."""
        document = copy.deepcopy(self.objects[plural, name])
        change(document)
        self.put(plural, document, manager)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[dict[str, Any]]:
        """Listen while the block runs; yields the content of a kubeconfig."""
        async with serving(web.route("*", "/{path:.*}", self._answer)) as port:
            yield kubeconfig(f"http://127.0.0.1:{port}")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncClient]:
        """A client of it, while the block runs."""
        async with self.served() as config:
            client = AsyncClient(config=KubeConfig.from_dict(config), namespace="shop", trust_env=False)
            try:
                yield client
            finally:
                await client.close()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        try:
            if request.method != "GET":
                self.written.append((request.method, request.path, json.loads(body) if body else None))
                self.before_write(request.method, request.path)
            return _json(self._done(request, body))
        except Refusal as refusal:
            code, message = refusal.code, str(refusal)
            return _json({"kind": "Status", "status": "Failure", "code": code, "message": message}, status=code)

    def _done(self, request: web.Request, body: str) -> Object:
        inside, _, rest = request.path.partition("/namespaces/")[2].partition("/")
        plural, _, name = rest.partition("/")
        if inside != "shop":
            raise Refusal(HTTPStatus.NOT_FOUND, f"nothing is in namespace {inside}")
        dry = "dryRun" in request.query
        match request.method:
            case "GET" if "watch" in request.query:
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "who wants to know has to look")
            case "GET" if not name:
                return self._listed(plural, request.query.get("labelSelector", ""))
            case "POST":
                return self._created(plural, json.loads(body), dry=dry)
        if request.headers.get("Content-Type") == _APPLY:
            return self.put(plural, merge_patched(self.objects.get((plural, name)), json.loads(body)))
        if (plural, name) not in self.objects:
            raise Refusal(HTTPStatus.NOT_FOUND, f"{plural} {name} not found")
        if request.method == "GET":
            return self.objects[plural, name]
        return self._changed(request, plural, name, body, dry=dry)

    def _listed(self, plural: str, selector: str) -> Object:
        wanted = dict(pair.split("=") for pair in selector.split(",") if "=" in pair)
        present = [key for key in selector.split(",") if key and "=" not in key]
        items = [
            one
            for (kind, _), one in self.objects.items()
            if kind == plural
            and wanted.items() <= one["metadata"].get("labels", {}).items()
            and all(key in one["metadata"].get("labels", {}) for key in present)
        ]
        version = {"resourceVersion": str(self.version)}
        return {"apiVersion": "v1", "kind": "List", "metadata": version, "items": items}

    def _created(self, plural: str, document: Object, *, dry: bool) -> Object:
        metadata = document["metadata"]
        metadata.setdefault("name", metadata.get("generateName", "") + "made")
        if (plural, metadata["name"]) in self.objects:
            raise Refusal(HTTPStatus.CONFLICT, "it exists already")
        metadata["creationTimestamp"] = f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"
        return document if dry else self.put(plural, document)

    def _changed(self, request: web.Request, plural: str, name: str, body: str, *, dry: bool) -> Object:
        old = self.objects[plural, name]
        if request.method == "DELETE":
            return self.objects.pop((plural, name))
        kind = request.headers["Content-Type"] if request.method == "PATCH" else ""
        given = json.loads(body)
        if kind == _JSON_PATCH:
            new = json_patched(old, given)
        elif kind in {_MERGE_PATCH, _STRATEGIC_PATCH}:
            new = merge_patched(old, given)
        else:
            new = given
        claimed = new["metadata"].get("resourceVersion", old["metadata"]["resourceVersion"])
        if claimed != old["metadata"]["resourceVersion"]:
            raise Refusal(HTTPStatus.CONFLICT, "the object has been modified")
        return new if dry else self.put(plural, new, request.query.get("fieldManager", ""))


def json_patched(document: Object, operations: list[Object]) -> Object:
    """RFC 6902, of which test, add, replace and remove. Raises Refusal as the API server does."""
    whole = copy.deepcopy(document)
    for operation in operations:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        parent: Any = whole
        try:
            for part in path:
                parent = parent[int(part) if isinstance(parent, list) else part]
            key: Any = int(last) if isinstance(parent, list) and last != "-" else last
            match operation["op"]:
                case "test" if parent[key] != operation["value"]:
                    raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"testing path {operation['path']} failed")
                case "add" if isinstance(parent, list):
                    parent.insert(len(parent) if key == "-" else key, operation["value"])
                case "add" | "replace":
                    parent[key] = operation["value"]
                case "remove":
                    del parent[key]
        except (KeyError, IndexError, TypeError) as error:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"no {operation['path']}") from error
    return whole


def merge_patched(document: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    old = document if isinstance(document, dict) else {}
    kept = {key: value for key, value in old.items() if patch.get(key, key) is not None}
    return kept | {key: merge_patched(old.get(key), value) for key, value in patch.items() if value is not None}


def _json(content: Object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=json.dumps(content), status=status, headers={"Content-Type": "application/json"})
