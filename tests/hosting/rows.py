"""What do the tests of databases keep? Rows of a key and a number, in a schema of one revision, or more."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from services.hosting.database import insert_new

REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade():
    {step}
"""
ROWS = sa.Table("rows", sa.MetaData(), sa.Column("id", sa.String, primary_key=True), sa.Column("number", sa.Integer))


def add(connection: sa.Connection, key: str, number: int) -> bool:
    return insert_new(connection, ROWS, id=key, number=number)


def increase(connection: sa.Connection, key: str) -> None:
    before = connection.execute(sa.select(ROWS.c.number).where(ROWS.c.id == key).with_for_update()).scalar_one()
    connection.execute(ROWS.update().where(ROWS.c.id == key).values(number=before + 1))


def number(connection: sa.Connection, key: str) -> int | None:
    return connection.execute(sa.select(ROWS.c.number).where(ROWS.c.id == key)).scalar_one_or_none()


def write_revision(migrations: Path, revision: str, before: str | None, step: str) -> None:
    folder = migrations / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{revision}.py").write_text(REVISION.format(revision=revision, before=repr(before), step=step))


def first_revision(migrations: Path) -> None:
    columns = 'sa.Column("id", sa.String, primary_key=True), sa.Column("number", sa.Integer)'
    write_revision(migrations, "0001", None, f'op.create_table("rows", {columns})')
