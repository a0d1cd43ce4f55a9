"""What is taken from the mesh's objects, and does it come back?"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError

from loadtest.mesh_objects import (
    ISTIOS_RETRIES,
    NO_RETRIES,
    Name,
    NotAsBefore,
    check_unchanged,
    replace,
    restored,
    specs_of,
    stripped,
    stripped_before,
)
from tests.loadtest.scripted_mesh import DELEGATE, DESTINATION, POOL, ROUTE, ScriptedMesh

ISTIO = Path(__file__).parents[2] / "k8s" / "components" / "istio"
CATALOG = Name("DestinationRule", "catalog")


def committed() -> list[dict[str, Any]]:
    files = [*ISTIO.glob("*/virtual-service*.yaml"), *ISTIO.glob("*/destination-rule.yaml")]
    return [spec["spec"] for file in files for spec in yaml.safe_load_all(file.read_text())]


def test_a_route_that_says_how_it_retries_retries_no_more() -> None:
    assert stripped(ROUTE) == {"http": [ROUTE["http"][0] | {"retries": NO_RETRIES}]}


def test_a_route_that_inherits_its_retries_goes_on_inheriting() -> None:
    assert stripped(DELEGATE) == DELEGATE


def test_a_destination_keeps_its_connection_pool_and_loses_budgets_and_ejection() -> None:
    bare = stripped(DESTINATION)
    assert bare["trafficPolicy"] == POOL
    assert bare["subsets"] == [{"name": "v1", "labels": {"version": "v1"}}]  # an empty policy is refused by Istio


def test_istios_own_retries_can_stand_instead() -> None:
    assert stripped(ROUTE, retries=ISTIOS_RETRIES)["http"][0]["retries"]["attempts"] == 2


def test_nothing_that_protects_is_left_of_what_is_committed() -> None:
    specs = committed()
    assert len(specs) >= 9
    assert any(stripped(spec) != spec for spec in specs)
    left = str([stripped(spec) for spec in specs])
    assert [word for word in ("retryBudget", "outlierDetection", "perTryTimeout", "retryOn") if word in left] == []


def test_stripping_changes_no_object_that_is_kept_for_later() -> None:
    before = yaml.safe_dump(committed())
    specs = yaml.safe_load(before)
    assert [stripped(spec) for spec in specs]
    assert yaml.safe_dump(specs) == before


def test_everything_that_was_stripped_comes_back() -> None:
    specs = committed()
    assert [restored(stripped(spec), spec) for spec in specs] == specs
    assert [restored(spec, spec) for spec in specs] == specs


def test_what_somebody_has_written_meanwhile_is_not_taken_for_stripped() -> None:
    others = {"attempts": 2}
    changed = {"http": [ROUTE["http"][0] | {"retries": others}, {"name": "new", "retries": NO_RETRIES}]}
    assert restored(changed, ROUTE) == changed


def test_only_what_leads_to_the_services_that_are_named_is_stripped() -> None:
    assert stripped_before(ROUTE, {"catalog"}) == stripped(ROUTE)
    assert stripped_before(DESTINATION, {"catalog"}) == stripped(DESTINATION)
    assert stripped_before(ROUTE, {"payments"}) == ROUTE
    assert stripped_before(DESTINATION, {"payments"}) == DESTINATION
    assert stripped_before(DESTINATION, ()) == stripped(DESTINATION)


async def test_only_objects_that_differ_are_patched() -> None:
    mesh = ScriptedMesh()
    async with mesh.client() as client:
        before = await specs_of(client)
        await replace(client, before)
        assert mesh.patched == []
        await replace(client, {name: stripped(spec) for name, spec in before.items()})
        assert mesh.patched == ["catalog-mesh", "catalog"]  # the second one is the DestinationRule
        await replace(client, before)
        check_unchanged(before, await specs_of(client))


async def test_what_somebody_else_changes_in_between_is_not_overwritten() -> None:
    class Interfered(ScriptedMesh):
        """Somebody changes the destination between our reading and our patch."""

        def _patch(self, plural: str, name: str, patch: Any) -> str:
            self.objects["destinationrules"]["catalog"]["spec"]["host"] = "elsewhere"
            return super()._patch(plural, name, patch)

    mesh = Interfered()
    async with mesh.client() as client:
        before = await specs_of(client)
        with pytest.raises(ApiError, match="the test failed"):
            await replace(client, {CATALOG: stripped(before[CATALOG])})
    assert mesh.objects["destinationrules"]["catalog"]["spec"]["host"] == "elsewhere"


def test_an_object_that_is_not_as_before_is_named() -> None:
    before = {CATALOG: DESTINATION}
    check_unchanged(before, {CATALOG: DESTINATION})
    with pytest.raises(NotAsBefore, match="DestinationRule catalog;"):
        check_unchanged(before, {CATALOG: stripped(DESTINATION)})
    with pytest.raises(NotAsBefore, match="DestinationRule catalog;"):
        check_unchanged(before, {})
    with pytest.raises(NotAsBefore, match=r"VirtualService x \(new\)"):
        check_unchanged(before, {**before, Name("VirtualService", "x"): {}})
