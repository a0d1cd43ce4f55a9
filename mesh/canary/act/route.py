"""What does a service's route say, and which JSON Patch changes exactly that? Pure.

Of all that stands in a VirtualService two rules are a canary's: `primary`, whose weights it sets, and `canary-header`,
which it puts before that. Other rules, a fault for example, are somebody else's and may come and go meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from mesh.canary.act.problems import NoRoute

PRIMARY = "primary"
HEADER_RULE = "canary-header"
HEADER, ALWAYS = "x-canary", "always"
ALL = 100

Rule = Mapping[str, Any]
Patch = list[dict[str, Any]]


@dataclass(frozen=True)
class Sticky:
    """Callers that send this header with this value stay on the canary, whatever the weights are."""

    header: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `--sticky HEADER=VALUE` means. Raises ValueError."""
        header, _, value = (part.strip() for part in text.partition("="))
        if not header or not value:
            raise ValueError(f"{text!r} is not HEADER=VALUE")
        return cls(header.lower(), value)  # HTTP/2 has no other headers


@dataclass(frozen=True)
class Manager:
    """Somebody who has written to an object: a field manager's name, and when it last did (RFC 3339)."""

    name: str
    at: str


@dataclass(frozen=True)
class Route:
    """One service's VirtualService as it was looked at: what a patch must still find there."""

    service: str
    resource_version: str
    rules: tuple[Rule, ...]
    """`spec.http`."""
    managers: tuple[Manager, ...] = ()
    """Who has written to the object, the latest last."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, service: str, document: Mapping[str, Any]) -> Self:
        """The route of a VirtualService. Raises NoRoute."""
        metadata = document["metadata"]
        rules = tuple((document.get("spec") or {}).get("http") or ())
        route = cls(service, metadata["resourceVersion"], rules, _managers(metadata), metadata)
        named = [rule for rule in rules if rule.get("name") == PRIMARY]
        if len(named) != 1:
            raise NoRoute(
                f"VirtualService {service} has {len(named) or 'no'} rule{'s' * (len(named) > 1)} named {PRIMARY}:"
                " a canary moves exactly one. Apply the overlay again (`argosy up` or `argosy deploy`)"
            )
        subsets = [_subset(one) for one in named[0].get("route") or [{}]]
        if not all(subsets) or len(set(subsets)) < len(subsets):
            raise NoRoute(f"VirtualService {service}: each destination of {PRIMARY} has to name a subset of its own")
        return route

    @property
    def index(self) -> int:
        """Where in `spec.http` the rule `primary` stands."""
        return next(index for index, rule in enumerate(self.rules) if rule.get("name") == PRIMARY)

    @property
    def primary(self) -> Rule:
        """The rule whose weights are a canary's."""
        return self.rules[self.index]

    @property
    def weights(self) -> dict[str, int]:
        """Percent by version, which is the subset's name. A single destination without a weight has all."""
        destinations = self.primary["route"]
        given = ALL if len(destinations) == 1 else 0
        return {_subset(one): int(one.get("weight", given)) for one in destinations}

    @property
    def header_rule(self) -> str | None:
        """The version to which `x-canary: always` is routed; None: the rule is not there."""
        rule = self._header_rule
        return _subset(rule["route"][0]) if rule else None

    @property
    def ours(self) -> tuple[Rule | None, Rule]:
        """The rules nobody else may have touched: with a weight that is 0 or left out they are the same."""
        explicit = [{**one, "weight": self.weights[_subset(one)]} for one in self.primary["route"]]
        return self._header_rule, {**self.primary, "route": explicit}

    def changed_by(self, since: Route) -> str:
        """Who, by field manager, has written to it since it was looked at before."""
        return ", ".join(manager.name for manager in self.managers if manager not in since.managers) or "somebody"

    @property
    def _header_rule(self) -> Rule | None:
        return next((rule for rule in self.rules if rule.get("name") == HEADER_RULE), None)

    def with_weights(self, weights: Mapping[str, int]) -> Patch:
        """Each version's percent, absolute: a version that is not named gets none."""
        if sum(weights.values()) != ALL or min(weights.values()) < 0:
            raise ValueError(f"weights are {ALL} together: {spelled(weights)}")
        path = f"/spec/http/{self.index}/route"
        old = self.primary["route"]
        new = [{**one, "weight": weights.get(_subset(one), 0)} for one in old]
        missing = [version for version in weights if version not in self.weights]
        new += [{"destination": self._to(version), "weight": weights[version]} for version in missing]
        return [
            self._unchanged(),
            {"op": "test", "path": path, "value": old},
            {"op": "replace", "path": path, "value": new},
        ]

    def with_header_rule(self, version: str, sticky: Sticky | None = None) -> Patch:
        """`x-canary: always`, and the sticky header, to `version`, otherwise as the primary rule does."""
        headers = {HEADER: ALWAYS} | ({sticky.header: sticky.value} if sticky else {})
        matches = [
            {**match, "headers": {**match.get("headers", {}), header: {"exact": value}}}
            for match in self.primary.get("match") or [{}]
            for header, value in headers.items()
        ]
        route = [{"destination": self._to(version)}]
        rule = {**self.primary, "name": HEADER_RULE, "match": matches, "route": route}
        if rule == self._header_rule:
            return []
        if self._header_rule is None:
            return [self._unchanged(), {"op": "add", "path": f"/spec/http/{self.index}", "value": rule}]
        path = f"/spec/http/{self.rules.index(self._header_rule)}"
        return [self._unchanged(), {"op": "replace", "path": path, "value": rule}]

    def without_header_rule(self) -> Patch:
        """The header rule taken away; nothing to do is an empty patch."""
        if self._header_rule is None:
            return []
        path = f"/spec/http/{self.rules.index(self._header_rule)}"
        return [
            self._unchanged(),
            {"op": "test", "path": path, "value": self._header_rule},
            {"op": "remove", "path": path},
        ]

    def all_to(self, version: str) -> Patch:
        """All traffic to `version`, and no header rule."""
        return [*self.with_weights({version: ALL}), *self.without_header_rule()[1:]]

    def _unchanged(self) -> dict[str, Any]:
        return {"op": "test", "path": "/metadata/resourceVersion", "value": self.resource_version}

    def _to(self, version: str) -> dict[str, Any]:
        return {**self.primary["route"][0]["destination"], "subset": version}


def spelled(weights: Mapping[str, int]) -> str:
    """Weights as people say them: `v1 90 %, v2 10 %`."""
    return ", ".join(f"{version} {weight} %" for version, weight in weights.items())


def _subset(destination: Mapping[str, Any]) -> str:
    return str(destination.get("destination", {}).get("subset", ""))


def _managers(metadata: Mapping[str, Any]) -> tuple[Manager, ...]:
    entries = metadata.get("managedFields") or ()
    found = [Manager(entry.get("manager", ""), entry.get("time", "")) for entry in entries]
    return tuple(sorted(found, key=lambda manager: manager.at))
