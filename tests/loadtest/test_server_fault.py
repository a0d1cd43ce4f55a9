"""The fault is where a real one would be: at the server, and only for the methods it is meant for."""

import re
from typing import Any

import pytest

from loadtest import server_fault
from loadtest.server_fault import envoy_filter, failing, slowed
from tests.loadtest.scripted_mesh import ScriptedMesh

PRICES = "/shop.catalog.v1.CatalogService/BatchGetProducts"


HALF = {"abort": {"percentage": {"numerator": 500_000, "denominator": "MILLION"}}}


def test_the_fault_is_in_the_inbound_listener_of_the_pods_it_is_meant_for() -> None:
    spec = envoy_filter({"app": "catalog", "version": "v2"}, [PRICES], HALF)
    assert spec["workloadSelector"] == {"labels": {"app": "catalog", "version": "v2"}}
    [patch] = spec["configPatches"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"  # SIDECAR_OUTBOUND would be the caller's: rule 29
    assert patch["patch"]["value"]["typed_config"]["abort"] == HALF["abort"]


@pytest.mark.parametrize(
    ("path", "met"),
    [(PRICES, True), (PRICES + "s", False), ("/shop.catalog.v1.CatalogService/GetProduct", False), ("/other", False)],
)
def test_only_the_methods_that_are_named_fail(path: str, met: bool) -> None:
    [patch] = envoy_filter({"app": "catalog"}, [PRICES, "/x.Y/Z"], HALF)["configPatches"]
    [header] = patch["patch"]["value"]["typed_config"]["headers"]
    # Envoy's safe_regex has to match the whole of the path, as fullmatch does.
    assert bool(re.fullmatch(header["string_match"]["safe_regex"]["regex"], path)) is met


@pytest.fixture
async def mesh(monkeypatch: pytest.MonkeyPatch) -> ScriptedMesh:
    monkeypatch.setattr(server_fault, "PROPAGATION", 0.0)
    return ScriptedMesh()


async def test_the_fault_is_gone_afterwards_also_when_the_run_fails(mesh: ScriptedMesh) -> None:
    async def fail() -> None:
        async with mesh.client() as client, failing(client, "catalog", [PRICES], percent=30):
            assert set(mesh.objects["envoyfilters"]) == {"failing-catalog"}
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fail()
    assert mesh.objects["envoyfilters"] == {}


async def test_what_a_killed_run_has_left_is_replaced(mesh: ScriptedMesh) -> None:
    mesh.objects["envoyfilters"]["failing-catalog"] = {"spec": "of a killed run"}
    async with mesh.client() as client, failing(client, "catalog", [PRICES], percent=0.2):
        fault = typed_config(mesh, "failing-catalog")
    assert fault["abort"] == {"grpc_status": 14, "percentage": {"numerator": 2_000, "denominator": "MILLION"}}


async def test_one_version_can_be_slow_alone(mesh: ScriptedMesh) -> None:
    async with mesh.client() as client, slowed(client, "catalog", [PRICES], seconds=0.06, percent=5, version="v2"):
        assert set(mesh.objects["envoyfilters"]) == {"slowed-catalog-v2"}
        fault = typed_config(mesh, "slowed-catalog-v2")
    assert fault["delay"]["fixed_delay"] == "0.06s"
    assert "abort" not in fault


def typed_config(mesh: ScriptedMesh, name: str) -> dict[str, Any]:
    [patch] = mesh.objects["envoyfilters"][name]["spec"]["configPatches"]
    config: dict[str, Any] = patch["patch"]["value"]["typed_config"]
    return config
