from __future__ import annotations

import pytest

from mesh.local.node.variables import expand


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("unix:$(SOCKET)", "unix:/run/s"),
        ("$(SOCKET)$(SOCKET)", "/run/s/run/s"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(SOCKET)", "$(SOCKET)"),
        ("$$$(SOCKET)", "$/run/s"),
        ("$SOCKET ${SOCKET} $", "$SOCKET ${SOCKET} $"),
        ("$(SOCKET", "$(SOCKET"),
        ("$(NESTED)", "$(SOCKET)"),
        ("$()", "$()"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert expand(text, {"SOCKET": "/run/s", "NESTED": "$(SOCKET)"}) == expanded
