"""A target is a caller, its callee, and perhaps a group; everything else is said to be none."""

from __future__ import annotations

import pytest

from mesh.breakers.problems import NoSuchThing
from mesh.breakers.target import Target


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("orders/payments", Target("orders", "payments")),
        ("orders/payments/charge", Target("orders", "payments", "charge")),
    ],
)
def test_a_target_is_read(given: str, target: Target) -> None:
    assert Target.parse(given) == target


@pytest.mark.parametrize(
    "given", ["", "orders", "orders/", "/payments", "orders//charge", "a/b/c/d", "orders/payments/"]
)
def test_what_is_no_target_is_shown_one(given: str) -> None:
    with pytest.raises(NoSuchThing, match="is not SERVICE/CALLEE or SERVICE/CALLEE/GROUP, like orders/payments"):
        Target.parse(given)
