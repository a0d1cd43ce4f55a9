"""Tries per call at every hop, from what was counted."""

import asyncio
from copy import deepcopy

import pytest

from loadtest.bench import amplification
from loadtest.bench.amplification import METHODS, PLACE, TARGET, hops, istio_defaults
from loadtest.bench.row import Row
from loadtest.mesh_objects import ISTIOS_RETRIES
from loadtest.server_calls import ABORTED, CALLED, REJECTED, STARTED, Series
from tests.loadtest.scripted_mesh import ScriptedMesh

[PRICES] = METHODS["catalog"]
CHARGE, REFUND, _ = METHODS["payments"]


def counted(*rows: tuple[str, str, str, float]) -> dict[Series, float]:
    return {Series(app, "pod", 1.0, metric, method): value for app, metric, method, value in rows}


def test_tries_are_what_servers_and_their_sidecars_saw_for_each_call_that_was_made() -> None:
    grown = counted(
        ("orders", STARTED, PLACE, 100),
        ("orders", CALLED, PRICES, 100),
        ("catalog", STARTED, PRICES, 80),
        ("catalog", ABORTED, "", 35),
        ("orders", CALLED, CHARGE, 90),
        ("orders", CALLED, REFUND, 10),
        ("payments", STARTED, CHARGE, 90),
        ("payments", STARTED, REFUND, 20),
    )
    assert hops(grown, placed=100) == {"orders": 1.0, "catalog": 1.15, "inventory": 0.0, "payments": 1.1}


def test_calls_that_an_open_circuit_kept_off_the_wire_do_not_hide_the_tries_of_the_others() -> None:
    grown = counted(("orders", CALLED, PRICES, 100), ("orders", REJECTED, PRICES, 90), ("catalog", STARTED, PRICES, 15))
    assert hops(grown, placed=100)["catalog"] == 1.5


def test_three_tries_of_each_call_do_not_hold() -> None:
    """The negative control: three in ten failing, three attempts and no budget make 1.39."""
    unbudgeted = 1 + 0.3 + 0.09
    grown = counted(("orders", CALLED, PRICES, 1000), ("catalog", STARTED, PRICES, 1000 * unbudgeted))
    worst = hops(grown, placed=1000)["catalog"]
    assert not Row.at_most("x", worst, TARGET, "x").holds


async def test_istios_defaults_stand_for_the_control_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amplification, "PROPAGATION", 0.0)
    mesh = ScriptedMesh()
    before = deepcopy(mesh.objects)

    async def control() -> None:
        async with mesh.client() as client, istio_defaults(client):
            assert mesh.objects["virtualservices"]["catalog-mesh"]["spec"]["http"][0]["retries"] == ISTIOS_RETRIES
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await control()
    assert mesh.objects == before
