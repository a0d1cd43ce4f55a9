"""A Kubernetes API of a few rules: it stores what it is given, tells watchers, and can be made to misbehave.

It knows what a node depends on: binding, graceful deletion of pods, tokens, resource versions, broken watches.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.http_server import serving

Json = dict[str, Any]
Key = tuple[str, str, str]
"""Plural, namespace, name."""

KINDS = {"pods": "Pod", "namespaces": "Namespace", "persistentvolumeclaims": "PersistentVolumeClaim"}
_TOKEN = {"token": "ey", "expirationTimestamp": "2099-01-01T00:00:00Z"}


class ScriptedApi:
    """The API's objects, and what was done to them in order."""

    def __init__(self) -> None:
        self.objects: dict[Key, Json] = {("namespaces", "", "shop"): _meta({"metadata": {"name": "shop"}}, "1")}
        self.history: list[tuple[str, str, str]] = []
        """(HTTP method, plural with subresource, name)."""
        self.refused: set[tuple[str, str]] = set()
        """(HTTP method, plural with subresource) that are answered with 500."""
        self._versions = itertools.count(2)
        self._watchers: dict[str, set[asyncio.Queue[Json | None]]] = {}
        self._changes: list[tuple[str, Json]] = []

    # What tests do to it

    def put(self, plural: str, name: str, body: Json, namespace: str = "shop") -> Json:
        """Create or replace an object, as somebody else would."""
        key = (plural, namespace, name)
        change = "MODIFIED" if key in self.objects else "ADDED"
        body = {"kind": KINDS.get(plural, plural), "apiVersion": "v1", **body}
        body.setdefault("metadata", {}).update(name=name, namespace=namespace)
        self.objects[key] = _meta(body, str(next(self._versions)))
        self._tell(plural, change, self.objects[key])
        return self.objects[key]

    def delete_pod(self, name: str, grace: int = 30) -> None:
        """What `kubectl delete pod` does: ask; with no grace, remove at once."""
        pod = self.objects[("pods", "shop", name)]
        if grace == 0 or not pod["spec"].get("nodeName"):
            self._remove(("pods", "shop", name))
            return
        pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace}
        self.put("pods", name, pod)

    def break_watches(self) -> None:
        """End every watch in the middle, as an API server that stops does."""
        for queue in itertools.chain.from_iterable(self._watchers.values()):
            queue.put_nowait(None)

    def status(self, name: str) -> Json:
        """A pod's status; empty when there is no such pod."""
        found: Json = self.objects.get(("pods", "shop", name), {}).get("status", {})
        return found

    def ready(self, name: str) -> bool:
        return any(each["type"] == "Ready" and each["status"] == "True" for each in self.conditions(name))

    def conditions(self, name: str) -> list[Json]:
        found: list[Json] = self.status(name).get("conditions", [])
        return found

    def has(self, plural: str, name: str) -> bool:
        return any(key[0] == plural and key[2] == name for key in self.objects)

    def reasons(self, about: str) -> list[str]:
        """The reasons of all Events about a pod."""
        events = [each for key, each in self.objects.items() if key[0] == "events"]
        return [each["reason"] for each in events if each["involvedObject"]["name"] == about]

    # How it answers

    @asynccontextmanager
    async def serve(self, folder: Path) -> AsyncIterator[Path]:
        """Listen on a free port; yields a kubeconfig."""
        async with serving(web.route("*", "/{path:.*}", self._answer)) as port:
            kubeconfig = folder / "kubeconfig"
            kubeconfig.write_text(json.dumps(_kubeconfig(port)), encoding="utf-8")
            try:
                yield kubeconfig
            finally:
                self.break_watches()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        plural, namespace, name, sub = _parts(request.path)
        self.history.append((request.method, f"{plural}/{sub}" if sub else plural, name))
        if (request.method, f"{plural}/{sub}" if sub else plural) in self.refused:
            return _failure(500, "scripted")
        if request.query.get("watch"):
            return await self._watch(request, plural)
        body = json.loads(await request.text() or "{}")
        return self._do(request.method, (plural, namespace, name), sub, body)

    def _do(self, method: str, key: Key, sub: str, body: Json) -> web.Response:
        plural, namespace, name = key
        if method == "GET" and not name:
            items = [each for (kind, _, _), each in self.objects.items() if kind == plural]
            return _json({"items": items, "metadata": {"resourceVersion": str(next(self._versions))}})
        if method == "POST":
            return self._create(key, sub, body)
        if method == "PATCH" and plural in {"workloadentries", "sidecars", "leases"}:
            return _json(self.put(plural, name, body, namespace))
        if key not in self.objects:
            return _failure(404, f"{plural} {name} not found")
        if method == "PATCH":
            merged = _merged(self.objects[key], body)
            return _json(self.put(plural, name, merged, namespace))
        if method == "DELETE":
            self._remove(key)
        return _json(self.objects.get(key, {}))

    def _create(self, key: Key, sub: str, body: Json) -> web.Response:
        plural, namespace, name = key
        if sub == "binding":
            pod = self.objects[key]
            pod["spec"]["nodeName"] = body["target"]["name"]
            pod["metadata"].setdefault("labels", {}).update(body["metadata"].get("labels", {}))
            self.put(plural, name, pod, namespace)
            return _json({"kind": "Status", "apiVersion": "v1", "status": "Success", "metadata": {}})
        if sub == "token":
            return _json(body | {"status": _TOKEN})
        name = body["metadata"]["name"]
        if (plural, namespace, name) in self.objects:
            return _failure(409, f"{name} exists")
        return _json(self.put(plural, name, body, namespace))

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse()
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._watchers.setdefault(plural, set()).add(queue)
        for kind, event in self._changes:
            if kind == plural and _version(event) > int(request.query.get("resourceVersion", "0")):
                queue.put_nowait(event)
        await response.prepare(request)
        try:
            while (told := await queue.get()) is not None:
                await response.write(json.dumps(told).encode() + b"\n")
            await response.write(b'{"type": "ADD')  # the connection breaks within a line
        except ConnectionResetError:
            return response  # the watcher has gone
        finally:
            self._watchers[plural].discard(queue)
        return response

    def _remove(self, key: Key) -> None:
        gone = _meta(self.objects.pop(key), str(next(self._versions)))
        self._tell(key[0], "DELETED", gone)

    def _tell(self, plural: str, change: str, body: Json) -> None:
        event = {"type": change, "object": deepcopy(body)}
        self._changes.append((plural, event))
        for queue in self._watchers.get(plural, ()):
            queue.put_nowait(event)


def _meta(body: Json, version: str) -> Json:
    metadata = body["metadata"]
    metadata.setdefault("uid", str(uuid.uuid4()))
    metadata["resourceVersion"] = version
    return body


def _version(event: Json) -> int:
    return int(event["object"]["metadata"]["resourceVersion"])


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    kept = {key: value for key, value in old.items() if key not in new}
    return kept | {key: _merged(old.get(key), value) for key, value in new.items() if value is not None}


def _parts(path: str) -> tuple[str, str, str, str]:
    """Plural, namespace, name and subresource of a path such as /api/v1/namespaces/shop/pods/a/status."""
    words: Iterator[str] = iter(path.strip("/").split("/"))
    if next(words) == "apis":
        next(words)
    next(words)
    rest = list(words)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    rest += [""] * (3 - len(rest))
    return rest[0], namespace, rest[1], rest[2]


def _json(body: Any, status: int = 200) -> web.Response:
    # Exactly this type, as the API server writes it: clients recognise its Status by it.
    return web.Response(body=json.dumps(body).encode(), status=status, headers={"Content-Type": "application/json"})


def _failure(code: int, message: str) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message, "metadata": {}}
    return _json(body, status=code)


def _kubeconfig(port: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
    }
