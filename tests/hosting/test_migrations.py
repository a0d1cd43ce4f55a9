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

import services.cart.tables
import services.catalog.tables
import services.inventory.tables
import services.orders.tables
import services.payments.tables
import services.recommendations.tables
import services.users.tables
from services.hosting import schema
from tests.hosting.databases import Databases, engine

SERVICES = Path(__file__).parents[2] / "services"
TABLES: dict[str, MetaData] = {
    "cart": services.cart.tables.METADATA,
    "catalog": services.catalog.tables.METADATA,
    "inventory": services.inventory.tables.METADATA,
    "orders": services.orders.tables.METADATA,
    "payments": services.payments.tables.METADATA,
    "recommendations": services.recommendations.tables.METADATA,
    "users": services.users.tables.METADATA,
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


def declared(name: str | None, kind: str, _: object) -> bool:
    """Whether code declares it: the catalog's index of words has another form in each database."""
    return kind != "table" or not str(name).startswith(("product_words", "product_numbers"))


@pytest.mark.parametrize("service", TABLES)
def test_revisions_lead_to_the_tables_of_the_code_and_back(connection: Connection, service: str) -> None:
    migrations = SERVICES / service / "migrations"
    for _ in range(2):
        schema.upgrade(connection, migrations)
        context = MigrationContext.configure(connection, opts={"include_name": declared})
        assert compare_metadata(context, TABLES[service]) == []
        undo(connection, migrations)
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_every_service_with_a_database_is_tested() -> None:
    assert {path.parent.name for path in SERVICES.glob("*/migrations")} == TABLES.keys()
