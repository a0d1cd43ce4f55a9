from __future__ import annotations

from collections.abc import Mapping

import pytest

from mesh.canary.commands.versions import Ambiguous, Versions, versions


def test_who_has_the_traffic_is_the_baseline_and_the_only_other_the_canary() -> None:
    assert versions("catalog", {"v1": 100, "v2": 0}) == Versions("v1", "v2")
    assert versions("catalog", {"v1": 0, "v2": 100}) == Versions("v2", "v1")


def test_what_is_named_is_taken() -> None:
    assert versions("catalog", {"v1": 100, "v2": 0, "v3": 0}, canary="v3") == Versions("v1", "v3")
    assert versions("catalog", {"v1": 100}, canary="v2") == Versions("v1", "v2")  # a route that has never heard of it
    assert versions("catalog", {"v1": 50, "v2": 50}, baseline="v2") == Versions("v2", "v1")


@pytest.mark.parametrize(
    ("weights", "named", "say"),
    [
        ({"v1": 100}, {}, "--to"),
        ({"v1": 100, "v2": 0, "v3": 0}, {}, "--to"),
        ({"v1": 50, "v2": 50}, {}, "--from"),
        ({"v1": 100, "v2": 0}, {"canary": "v1"}, "itself"),
    ],
)
def test_where_there_is_a_doubt_it_is_asked_and_not_guessed(
    weights: Mapping[str, int], named: Mapping[str, str], say: str
) -> None:
    with pytest.raises(Ambiguous, match=say) as refused:
        versions("catalog", weights, **named)
    assert refused.value.exit_code == 20
