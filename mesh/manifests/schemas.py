"""Does an object fit its kind's schema, in every version of Kubernetes it may meet? Unknown fields do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from mesh.manifests.problem import Object, Problem, name_of
from mesh.manifests.strict import Schema, strict_kind

VERSIONS = ("1.33", "1.34", "1.35", "1.36")

_FOLDER = "kubernetes-json-schema"
_DEFINITIONS = "_definitions.json"
_METADATA = "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_LONGEST = 300

Kind: TypeAlias = tuple[str, str]
"""apiVersion and kind."""


class Kubernetes:
    """The kinds of one version of Kubernetes, read from the package kubernetes-validate when first asked for."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._folder: Traversable = files("kubernetes_validate") / _FOLDER / f"v{version}.0-local-strict"
        self._known: dict[Kind, Draft202012Validator | None] = {}

    def validator(self, kind: Kind) -> Draft202012Validator | None:
        """What judges objects of `kind`; None when this version does not know it."""
        if kind not in self._known:
            self._known[kind] = self._read(kind)
        return self._known[kind]

    @cached_property
    def metadata(self) -> Draft202012Validator:
        schema = {"$ref": f"{self._definitions.contents['$id']}{_METADATA}"}
        return Draft202012Validator(schema, registry=self._registry)

    @cached_property
    def _definitions(self) -> Resource[Any]:
        return Resource.from_contents(json.loads((self._folder / _DEFINITIONS).read_bytes()))

    @cached_property
    def _registry(self) -> Registry[Any]:
        return self._definitions @ Registry()

    def _read(self, kind: Kind) -> Draft202012Validator | None:
        file = self._folder / _file_name(*kind)
        if not file.is_file():
            return None
        schema = json.loads(file.read_bytes())
        # The file's name leaves out most of the group: another group's kind of the same name would be found in it.
        if kind[0] not in schema.get("properties", {}).get("apiVersion", {}).get("enum", []):
            return None
        return Draft202012Validator(schema, registry=self._registry)


@dataclass(frozen=True)
class Schemas:
    """Every schema there is: Kubernetes' own by version, and those of custom kinds."""

    kubernetes: Sequence[Kubernetes]
    custom: Mapping[Kind, Draft202012Validator]

    def problems(self, where: str, one: Object) -> list[Problem]:
        """What is wrong with one object, each thing once, with the versions that say it."""
        kind = (str(one.get("apiVersion")), str(one.get("kind")))
        name = name_of(one)
        if kind in self.custom:
            errors = [*self.custom[kind].iter_errors(one), *self._metadata_errors(one)]
            return [Problem(where, name, path, message, "schema") for path, message in sorted(set(map(_said, errors)))]
        by_version = {one_version.version: list(_errors(one_version, kind, one)) for one_version in self.kubernetes}
        return [
            Problem(where, name, path, f"{message}{_in(versions)}", "schema")
            for (path, message), versions in _turned(by_version).items()
        ]

    def _metadata_errors(self, one: Object) -> Iterator[ValidationError]:
        for error in self.kubernetes[-1].metadata.iter_errors(one.get("metadata")):
            error.path.appendleft("metadata")
            yield error


def schemas(definitions: Iterable[Mapping[str, Any]], versions: Sequence[str] = VERSIONS) -> Schemas:
    """The schemas of Kubernetes in `versions`, and of the kinds that CustomResourceDefinitions define."""
    custom = {kind: Draft202012Validator(schema) for kind, schema in _custom_kinds(definitions)}
    return Schemas([Kubernetes(version) for version in versions], custom)


def _custom_kinds(definitions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Kind, Schema]]:
    for definition in definitions:
        spec = definition["spec"]
        for version in spec["versions"]:
            kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            if version["served"]:
                yield kind, strict_kind(version["schema"]["openAPIV3Schema"])


def _errors(kubernetes: Kubernetes, kind: Kind, one: Object) -> Iterator[tuple[str, str]]:
    validator = kubernetes.validator(kind)
    if validator is None:
        yield "", f"nobody knows {kind[1]} of {kind[0]}"
    else:
        yield from map(_said, validator.iter_errors(one))


def _said(error: ValidationError) -> tuple[str, str]:
    message = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]}..."
    return error.json_path.removeprefix("$").removeprefix("."), message


def _turned(by_version: Mapping[str, Iterable[tuple[str, str]]]) -> dict[tuple[str, str], list[str]]:
    turned: dict[tuple[str, str], list[str]] = {}
    for version, said in by_version.items():
        for one in dict.fromkeys(said):
            turned.setdefault(one, []).append(version)
    return turned


def _in(versions: Sequence[str]) -> str:
    return f" (Kubernetes {', '.join(versions)})"


def _file_name(api_version: str, kind: str) -> str:
    """`rbac.authorization.k8s.io/v1` and `Role`: `role-rbac-v1.json`."""
    short = re.sub(r"^([^./]*)(?:[.][^/]*)?/", r"\1-", api_version)
    return f"{kind.lower()}-{short}.json"
