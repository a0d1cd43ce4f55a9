"""Every service's revisions lead to the tables that its code uses, and back again, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect

import services.catalog.store
import services.inventory.tables
import services.orders.tables
import services.payments.tables
from services.hosting import schema
from tests.hosting.databases import Databases, engine

SERVICES = Path(__file__).parents[2] / "services"
TABLES: dict[str, MetaData] = {
    "catalog": services.catalog.store.METADATA,
    "inventory": services.inventory.tables.METADATA,
    "orders": services.orders.tables.METADATA,
    "payments": services.payments.tables.METADATA,
}


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    beside = engine(databases.url("empty"))
    with beside.begin() as connection:
        yield connection
    beside.dispose()


def undo(connection: Connection, migrations: Path) -> None:
    script = ScriptDirectory(str(migrations))

    def steps(revision: object, _: object) -> object:
        return script._downgrade_revs("base", revision)  # type: ignore[arg-type]

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


@pytest.mark.parametrize("service", TABLES)
def test_revisions_lead_to_the_tables_of_the_code_and_back(connection: Connection, service: str) -> None:
    migrations = SERVICES / service / "migrations"
    for _ in range(2):
        schema.upgrade(connection, migrations)
        assert compare_metadata(MigrationContext.configure(connection), TABLES[service]) == []
        undo(connection, migrations)
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_every_service_with_a_database_is_tested() -> None:
    assert {path.parent.name for path in SERVICES.glob("*/migrations")} == TABLES.keys()
