"""The migrations make the tables the code expects, and take them away again."""

from __future__ import annotations

import pytest

from services.users.tables import METADATA
from tests.hosting.databases import Databases
from tests.hosting.schemas import constraints_of_both, differences


@pytest.mark.usefixtures("database")
async def test_migrations_and_tables_agree(url: str, databases: Databases) -> None:
    assert differences(METADATA, url) == []
    migrated, declared = constraints_of_both(METADATA, url, databases)
    assert migrated == declared
