from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosting.rows import first_revision


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Migrations of one revision, which makes the table of rows.py."""
    first_revision(tmp_path / "migrations")
    return tmp_path / "migrations"
