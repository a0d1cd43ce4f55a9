"""Do a service's migrations make the tables, with the constraints, that its code declares?"""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect

from tests.hosting.databases import Databases, engine

Constraints = dict[str, dict[str, str]]


def constraints_of_both(metadata: MetaData, migrated: str, databases: Databases) -> tuple[Constraints, Constraints]:
    """The check constraints of the `migrated` database, and of a fresh one made from `metadata`."""
    declared = databases.url("declared")
    fresh = engine(declared)
    metadata.create_all(fresh)
    fresh.dispose()
    return _constraints(metadata, migrated), _constraints(metadata, declared)


def differences(metadata: MetaData, migrated: str) -> list[object]:
    """What Alembic would have to change in the `migrated` database: tables, columns, indexes."""
    connecting = engine(migrated)
    with connecting.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection), metadata)
    connecting.dispose()
    return found


def _constraints(metadata: MetaData, url: str) -> Constraints:
    connecting = engine(url)
    found = {
        table: {str(check["name"]): check["sqltext"] for check in inspect(connecting).get_check_constraints(table)}
        for table in metadata.tables
    }
    connecting.dispose()
    return found
