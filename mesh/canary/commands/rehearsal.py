"""What would a command change? What the API server says it would be, beside what is there."""

from __future__ import annotations

import difflib

import yaml

from mesh.canary.act.route import Route


def changed(before: Route, after: Route) -> str:
    """The route's rules before and after, as a diff; a sentence when they are the same."""
    name = f"VirtualService {before.service}, spec.http"
    lines = difflib.unified_diff(_text(before), _text(after), name, f"{name}, as it would be", lineterm="")
    return "\n".join(lines) or f"nothing would change: {name} is so already"


def _text(route: Route) -> list[str]:
    return yaml.safe_dump([dict(rule) for rule in route.rules], sort_keys=False).splitlines()
