"""`python -m services.<service> migrate`, and a process that waits for it, as pods and Jobs run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtest.postgresql import Cluster
from tests.hosting.databases import Databases, Servers
from tests.hosting.processes import Process, started

pytestmark = pytest.mark.processes

MIGRATIONS = {
    folder.parent.name: sorted(script.stem[:4] for script in folder.glob("versions/*.py"))
    for folder in sorted((Path(__file__).parents[2] / "services").glob("*/migrations"))
}
SHOP = {f"{name}_SERVICE_ADDR": "127.0.0.1:1" for name in ("CATALOG", "INVENTORY", "ORDERS", "PAYMENTS")}
SHOP["JWKS_ADDRESS"] = "127.0.0.1:0"
PRODUCT = {"id": "mug", "name": "Mug", "price": {"currency_code": "EUR", "units": 12}, "stock": 7}


@pytest.fixture
def seed(tmp_path: Path) -> str:
    file = tmp_path / "products.json"
    file.write_text(json.dumps([PRODUCT]))
    return str(file)


async def migrated(service: str, **environment: str) -> dict[str, object]:
    """What the command says it has done."""
    async with started(f"services.{service}", "migrate", **environment) as command:
        assert await command.ended() == (0, "")
    (line,) = [line for line in command.lines if line["message"] == "database ready"]
    return {fact: line[fact] for fact in ("before", "after", "seeded")}


async def waits(process: Process) -> str:
    return str((await process.said("waiting for the database"))["said"])


@pytest.mark.parametrize("service", MIGRATIONS)
async def test_every_service_migrates_without_knowing_its_callees(
    service: str, databases: Databases, seed: str
) -> None:
    seeded = int(service in {"catalog", "inventory"})
    newest = MIGRATIONS[service][-1]
    told = {"DATABASE_URL": databases.url("empty"), "SEED_FILE": seed}
    assert await migrated(service, **told) == {"before": "none", "after": newest, "seeded": seeded}
    assert await migrated(service, **told) == {"before": newest, "after": newest, "seeded": 0}


@pytest.mark.parametrize("service", MIGRATIONS)
async def test_a_service_that_waits_serves_once_its_database_is_migrated(service: str, databases: Databases) -> None:
    url = databases.url("empty")
    async with started(f"services.{service}", DATABASE_URL=url, SCHEMA="wait", **SHOP) as process:
        await waits(process)
        await migrated(service, DATABASE_URL=url)
        await process.said("serving")


async def test_a_service_that_waits_adds_no_seed(databases: Databases, seed: str) -> None:
    url = databases.url("empty")
    await migrated("inventory", DATABASE_URL=url)
    async with started("services.inventory", DATABASE_URL=url, SCHEMA="wait", SEED_FILE=seed) as process:
        await process.said("serving")
    assert await migrated("inventory", DATABASE_URL=url, SEED_FILE=seed) == {
        "before": "0001",
        "after": "0001",
        "seeded": 1,
    }


async def test_waiting_ends_with_code_1_and_what_to_do(databases: Databases) -> None:
    told = {"DATABASE_URL": databases.url("empty"), "SCHEMA": "wait", "DATABASE_WAIT_SECONDS": "0"}
    async with started("services.payments", **told) as process:
        assert await process.ended() == (1, "")
    assert process.lines[-1]["message"].startswith("cannot start: DATABASE_URL: ")


async def test_a_service_told_to_stop_while_it_waits_stops(databases: Databases) -> None:
    """As process 1 of a container it would otherwise be killed at the end of its grace period."""
    async with started("services.payments", DATABASE_URL=databases.url("empty"), SCHEMA="wait") as process:
        await waits(process)
        process.process.terminate()
        assert await process.ended() == (1, "")
    assert process.lines[-1]["message"] == "stopped before it served"


async def test_a_migration_without_its_server_ends_with_code_1_and_tells_no_password() -> None:
    told = {"DATABASE_URL": "postgresql+psycopg://shop:s3cret@127.0.0.1:1/shop", "DATABASE_WAIT_SECONDS": "0"}
    async with started("services.payments", "migrate", **told) as command:
        assert await command.ended() == (1, "")
    assert command.lines[-1]["message"].startswith("cannot migrate: DATABASE_URL: shop at 127.0.0.1 cannot be used: ")
    assert "s3cret" not in str(command.lines)


async def test_a_migration_waits_for_its_server(servers: Servers, cluster: Cluster) -> None:
    url = servers.url("empty")
    cluster.stop()
    try:
        async with started("services.payments", "migrate", DATABASE_URL=url) as command:
            await waits(command)
            cluster.start()
            assert await command.ended() == (0, "")
    finally:
        cluster.start()


async def test_another_word_than_migrate_is_told_with_the_usage() -> None:
    async with started("services.payments", "upgrade") as command:
        code, errors = await command.ended()
    assert code == 2
    assert errors.startswith("usage: python -m services.payments [-h] {migrate} ...")
