"""What does every experiment in a test stand on? A shop that nobody has hurt, and that is as it was right after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import argosy, kubectl

KINDS = "virtualservices,destinationrules,envoyfilters,serviceentries,authorizationpolicies,networkpolicies,deployments"


def specs() -> dict[tuple[str, str], Any]:
    """What the shop's objects say, without when pods were last restarted."""
    found = kubectl("get", KINDS, "-o", "json").json["items"]
    return {(each["kind"], each["metadata"]["name"]): _without_stamps(each["spec"]) for each in found}


def _without_stamps(spec: dict[str, Any]) -> dict[str, Any]:
    metadata = spec.get("template", {}).get("metadata", {})
    annotations = metadata.pop("annotations", {})
    kept = {name: value for name, value in annotations.items() if name != "kubectl.kubernetes.io/restartedAt"}
    return spec | {"template annotations": kept}


@pytest.fixture(autouse=True, scope="module")
def untouched(cluster: None) -> Iterator[None]:
    """Afterwards every object says what it said before, nothing is left behind, and the auditor finds nothing."""
    before = specs()
    yield
    after = specs()
    cleaned = argosy("chaos", "clean")
    assert after == before
    assert cleaned.code == 0, cleaned.err
    assert kubectl("get", "configmaps", "-l", "argosy/chaos", "-o", "name").out == ""
    audit = argosy("audit", "--json")
    assert audit.code == 0, audit.out + audit.err
