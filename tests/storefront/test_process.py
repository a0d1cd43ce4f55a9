"""The storefront as the process it is in a pod: it starts without anybody behind it, and ends when told."""

from __future__ import annotations

import httpx2
import pytest

from tests.hosting.processes import started

pytestmark = pytest.mark.processes

NOBODY = {
    f"{name}_SERVICE_ADDR": "127.0.0.1:9"
    for name in ("CART", "CATALOG", "INVENTORY", "ORDERS", "RECOMMENDATIONS", "USERS")
}


async def test_alone_it_is_ready_says_what_is_missing_and_ends_when_told() -> None:
    async with started("services.storefront", HTTP_ADDRESS="127.0.0.1:0", **NOBODY) as service:
        address = (await service.said("serving http"))["address"]
        await service.said("serving")
        async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=30.0) as client:
            assert (await client.get("/healthz")).text == "ok\n"
            home = await client.get("/")
            assert home.status_code == 503
            assert 'data-degraded="catalog"' in home.text
            assert (await client.get("/sign-in")).status_code == 200
            assert (await client.get("/pictures/mug.svg")).status_code == 200
        service.process.terminate()
        assert await service.ended() == (0, "")
    lines = [line for line in service.lines if line["message"] == "http"]
    assert {"GET /", "GET /healthz", "GET /sign-in", "GET /pictures/{product_id}.svg"} == {
        line["method"] for line in lines
    }


async def test_settings_that_are_missing_are_all_named() -> None:
    async with started("services.storefront") as service:
        code, said = await service.ended()
    assert code == 2
    assert all(f"{name} is not set" in said for name in NOBODY)
