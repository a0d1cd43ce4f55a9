"""Schemas of custom kinds refuse what they do not declare, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mesh.manifests.strict import strict, strict_kind

CLOSED = {"type": "object", "properties": {"name": {"type": "string"}}}


def accepts(schema: dict[str, Any], value: object) -> bool:
    return Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (CLOSED, {"name": "a"}, {"nam": "a"}),
        ({"type": "array", "items": CLOSED}, [{"name": "a"}], [{"nam": "a"}]),
        ({"type": "object", "additionalProperties": CLOSED}, {"x": {"name": "a"}}, {"x": {"nam": "a"}}),
        ({"type": "object", "properties": {"in": CLOSED}}, {"in": {}}, {"in": {"nam": "a"}}),
        (CLOSED | {"x-kubernetes-preserve-unknown-fields": True}, {"nam": "a"}, {"name": 1}),
        ({"type": "object"}, {"anything": 1}, 1),
        ({"x-kubernetes-int-or-string": True}, "50%", 0.5),
        ({"type": "string", "nullable": True}, None, 1),
        ({"type": "array", "x-kubernetes-list-type": "set"}, [1, 2], [1, 1]),
        (CLOSED | {"oneOf": [{"required": ["name"]}, {"maxProperties": 0}]}, {"name": "a"}, {"name": "a", "b": 1}),
    ],
)
def test_a_strict_schema(schema: dict[str, Any], good: object, bad: object) -> None:
    assert accepts(strict(schema), good)
    assert not accepts(strict(schema), bad)


def test_without_strictness_the_misspelt_field_passes() -> None:
    assert accepts(CLOSED, {"nam": "a"})


def test_a_whole_object_may_always_say_what_it_is() -> None:
    whole = strict_kind({"type": "object", "properties": {"spec": CLOSED}})
    assert accepts(whole, {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {}})
    assert not accepts(whole, {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "specs": {}})
