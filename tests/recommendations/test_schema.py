"""The migrations make the tables the code expects."""

from __future__ import annotations

import pytest

from services.recommendations.tables import METADATA
from tests.hosting.schemas import differences


@pytest.mark.usefixtures("database")
async def test_migrations_and_tables_agree(url: str) -> None:
    assert differences(METADATA, url) == []
