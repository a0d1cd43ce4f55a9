from typing import Any

import pytest
from grpc import StatusCode, aio

from loadtest.bench.mesh import rows
from loadtest.bench.mesh_client import compare
from loadtest.bench.row import BenchUnavailable
from tests.loadtest.scripted_shop import ScriptedShop, fail

FEW = (("Check", 1, 5), ("GetProduct", 1, 5), ("Check", 4, 20))


def blocks(*, direct_ms: float = 1.0, mesh_ms: float = 2.0, mesh_rate: float = 600.0, pod: str = "catalog-v1-a") -> Any:
    """Three rounds on both paths."""
    paths = {"direct": (direct_ms, 1000.0, "catalog-v1-a"), "mesh": (mesh_ms, mesh_rate, pod)}
    return [
        {"rpc": rpc, "path": path, "in_flight": n, "round": number, "p50_ms": p50, "rate": rate, "pod": answered}
        for rpc in ("Check", "GetProduct")
        for n in (1, 16)
        for number in range(3)
        for path, (p50, rate, answered) in paths.items()
    ]


def test_the_ratios_are_held_against_their_targets() -> None:
    by_name = {row.name: row for row in rows(blocks())}
    assert by_name["mesh: p50 through two sidecars / direct, Check"].value == 2.0
    assert by_name["mesh: rate kept at 16 in flight, Check"].value == 0.6
    assert all(row.holds for row in by_name.values())


@pytest.mark.parametrize("slow", [{"mesh_ms": 2.7}, {"mesh_rate": 440.0}])
def test_a_mesh_that_costs_too_much_does_not_hold(slow: dict[str, float]) -> None:
    assert sum(not row.holds for row in rows(blocks(**slow))) == 1  # type: ignore[arg-type]


def test_paths_that_end_at_different_servers_compare_nothing() -> None:
    with pytest.raises(BenchUnavailable, match="different servers"):
        rows(blocks(pod="catalog-v2-b"))


async def test_both_paths_are_called_in_turn_and_the_first_one_changes(shop: ScriptedShop) -> None:
    found = [each async for each in compare(shop.target, shop.target, "catalog:50051", rounds=2, cases=FEW)]
    assert [(block.rpc, block.path) for block in found if block.in_flight == 1] == [
        ("Check", "mesh"),
        ("Check", "direct"),
        ("GetProduct", "mesh"),
        ("GetProduct", "direct"),
        ("Check", "direct"),
        ("Check", "mesh"),
        ("GetProduct", "direct"),
        ("GetProduct", "mesh"),
    ]
    assert shop.calls["GetProduct"] == 2 + 2 * 2 * 5
    assert {block.pod for block in found if block.rpc == "GetProduct"} == {"scripted-1"}
    assert all(block.rate > 0 and block.p50_ms > 0 for block in found)


async def test_the_client_waits_until_the_policy_lets_it_in(shop: ScriptedShop) -> None:
    async def refused_at_first(request: Any, context: Any) -> Any:
        if shop.calls["GetProduct"] <= 2:
            await context.abort(StatusCode.PERMISSION_DENIED, "RBAC: access denied")
        return await shop.succeed("GetProduct", request, context)

    shop.scripts["GetProduct"] = refused_at_first
    assert [each async for each in compare(shop.target, shop.target, "catalog:50051", rounds=1, cases=FEW)]


async def test_a_block_with_a_failed_call_is_no_measurement(shop: ScriptedShop) -> None:
    shop.scripts["GetProduct"] = fail(StatusCode.INTERNAL)
    with pytest.raises(aio.AioRpcError):
        _ = [each async for each in compare(shop.target, shop.target, "catalog:50051", rounds=1, cases=FEW)]
