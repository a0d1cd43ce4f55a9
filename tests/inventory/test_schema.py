"""The migrations make the tables the code expects, with the constraints that keep the books."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from services.inventory.tables import METADATA


def constraints(url: str) -> dict[str, dict[str, str]]:
    engine = create_engine(url)
    found = {
        table: {str(check["name"]): check["sqltext"] for check in inspect(engine).get_check_constraints(table)}
        for table in METADATA.tables
    }
    engine.dispose()
    return found


@pytest.mark.usefixtures("database")
async def test_migrations_and_tables_agree(file: Path, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
    declared = f"sqlite:///{tmp_path}/declared.db"
    engine = create_engine(declared)
    METADATA.create_all(engine)
    engine.dispose()
    assert constraints(f"sqlite:///{file}") == constraints(declared)
    assert "stock_conserved" in constraints(declared)["stock"]
