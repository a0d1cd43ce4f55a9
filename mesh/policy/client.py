"""What does a service's own code get? services/<service>/policy.py: how it serves and how it calls, as typed values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any

from mesh.policy.graph import Graph

_HOME = {
    "collections.abc": ("Mapping",),
    "grpc": ("StatusCode",),
    "mesh.resilience": ("BreakerPolicy", "BudgetPolicy", "FallbackPolicy", "MethodPolicy", "PeerPolicy"),
    "mesh.resilience.server_policy": ("LimitPolicy", "Priority", "ServerMethodPolicy", "ServerPolicy"),
}
"""Where the names come from, in the order of the imports."""


def modules(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of every services/<service>/policy.py."""
    made = {}
    for service in graph.documents:
        does, values = [], []
        if service in graph.services:
            does.append("serve")
            values.append(f"SERVER = {_source(graph.server(service))}\n")
        if peers := graph.peers(service):
            does.append("call others")
            values.append(f"PEERS: Mapping[str, PeerPolicy] = {_source(peers)}\n")
        if values:
            question = f"How does {service} {', and how does it '.join(does)}?"
            made[f"services/{service}/policy.py"] = _module(f"{question}\n\n{header}\n", "\n".join(values))
    return made


def _module(docstring: str, body: str) -> str:
    parts = [f'"""{docstring}"""', "", "from __future__ import annotations", "", *_imports(body), "", body]
    return "\n".join(parts)


def _imports(body: str) -> Iterator[str]:
    for module, names in _HOME.items():
        if used := [name for name in names if re.search(rf"\b{name}\b", body)]:
            yield f"from {module} import {', '.join(used)}"
            if not module.startswith("mesh."):
                yield ""


def _source(value: Any, indent: str = "") -> str:
    """Python source of a policy as `ruff format` writes it: one field a line, defaults left out."""
    inner = indent + "    "
    if is_dataclass(value):
        given = [
            (field.name, getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != _default(field)
        ]
        if not given:
            return f"{type(value).__name__}()"
        arguments = "".join(f"{inner}{name}={_source(each, inner)},\n" for name, each in given)
        return f"{type(value).__name__}(\n{arguments}{indent})"
    if isinstance(value, Mapping):
        return _mapping(value, indent)
    if isinstance(value, frozenset):
        return f"frozenset({{{', '.join(sorted(map(_source, value)))}}})"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _mapping(value: Mapping[str, Any], indent: str) -> str:
    """What is the same for all is said once."""
    if not value:
        return "{}"
    inner = indent + "    "
    first, *others = value.values()
    if others and all(other == first for other in others):
        keys = "".join(f"{inner}    {json.dumps(key)},\n" for key in value)
        return f"dict.fromkeys(\n{inner}(\n{keys}{inner}),\n{inner}{_source(first, inner)},\n{indent})"
    items = "".join(f"{inner}{json.dumps(key)}: {_source(each, inner)},\n" for key, each in value.items())
    return f"{{\n{items}{indent}}}"


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
