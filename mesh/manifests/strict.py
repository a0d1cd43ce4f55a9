"""How is the schema of a custom kind made to refuse what nobody declared? As the API server's strict validation does.

The API server drops fields that a CustomResourceDefinition does not name, or refuses them when asked to be strict.
JSON Schema lets them pass unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

_KUBERNETES = "x-kubernetes-"
_ROOT = ("apiVersion", "kind", "metadata")
"""Every object has these, whatever its definition says."""


def strict_kind(schema: Mapping[str, Any]) -> Schema:
    """The openAPIV3Schema of a CustomResourceDefinition as JSON Schema for whole objects, metadata left to others."""
    made = strict(schema)
    made["properties"] = {**made.get("properties", {}), **dict.fromkeys(_ROOT, True)}
    return made


def strict(schema: Mapping[str, Any]) -> Schema:
    """One structural schema, and those in it. What allOf, anyOf, oneOf and not say declares nothing: it stays.

    Rules in CEL and lists that are maps are left to the API server.
    """
    made = {key: value for key, value in schema.items() if not key.startswith(_KUBERNETES)}
    if "properties" in schema:
        made["properties"] = {name: strict(inner) for name, inner in schema["properties"].items()}
    for several in ("items", "additionalProperties"):
        if isinstance(schema.get(several), Mapping):
            made[several] = strict(schema[several])
    if _closed(schema):
        made["additionalProperties"] = False
    if schema.get(f"{_KUBERNETES}int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get(f"{_KUBERNETES}list-type") == "set":
        made["uniqueItems"] = True
    if made.pop("nullable", False) and "type" in made:
        made["type"] = [made["type"], "null"] if isinstance(made["type"], str) else [*made["type"], "null"]
    return made


def _closed(schema: Mapping[str, Any]) -> bool:
    opened = schema.get(f"{_KUBERNETES}preserve-unknown-fields") or "additionalProperties" in schema
    return "properties" in schema and not opened
