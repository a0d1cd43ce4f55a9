"""The fault is where a real one would be: at the server, and only for the methods it is meant for."""

import re

import pytest

from loadtest import server_fault
from loadtest.server_fault import envoy_filter, failing
from tests.loadtest.scripted_mesh import ScriptedMesh

PRICES = "/shop.catalog.v1.CatalogService/BatchGetProducts"


def test_the_fault_is_in_the_inbound_listener_of_the_pods_it_is_meant_for() -> None:
    spec = envoy_filter("catalog", [PRICES], 30)
    assert spec["workloadSelector"] == {"labels": {"app": "catalog"}}
    [patch] = spec["configPatches"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"  # SIDECAR_OUTBOUND would be the caller's: rule 29
    assert patch["patch"]["value"]["typed_config"]["abort"]["percentage"]["numerator"] == 30


@pytest.mark.parametrize(
    ("path", "met"),
    [(PRICES, True), (PRICES + "s", False), ("/shop.catalog.v1.CatalogService/GetProduct", False), ("/other", False)],
)
def test_only_the_methods_that_are_named_fail(path: str, met: bool) -> None:
    [patch] = envoy_filter("catalog", [PRICES, "/x.Y/Z"], 30)["configPatches"]
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
    async with mesh.client() as client, failing(client, "catalog", [PRICES], percent=30):
        assert mesh.objects["envoyfilters"]["failing-catalog"]["spec"] == envoy_filter("catalog", [PRICES], 30)
