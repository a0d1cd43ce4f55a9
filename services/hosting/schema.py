"""Is a database's schema the newest, and how does it become so? By Alembic's revisions, in one transaction.

Revisions are Alembic scripts in `<migrations>/versions`, with `revision` and `down_revision` as plain
strings. Every start asks; only a schema that is behind loads Alembic, which costs 0.3 s and 10 MiB.

A schema that is *newer* than the program is left alone: while versions change over, the older pods
start beside the newer ones. So a revision may add, and may remove only what no running version uses.
"""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

logger = logging.getLogger("argosy.schema")

_ASSIGNMENT = re.compile(r"^(down_revision|revision)(?:: [^=]+)? = (.+)$", re.MULTILINE)


def upgrade(connection: Connection, migrations: Path) -> None:
    """Bring the schema to the newest revision within the connection's transaction.

    The caller keeps other processes out.
    """
    at = _revision_of(connection)
    known = _revisions(migrations)
    newest = known.keys() - set(known.values())
    if at in newest:
        return
    if at and at not in known:
        logger.warning("the schema is newer than this program", extra={"schema": at})
        return
    _run_alembic(connection, migrations)


def _revision_of(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _revisions(migrations: Path) -> dict[str, str | None]:
    """Every revision and the one before it."""
    revisions = {}
    for script in (migrations / "versions").glob("*.py"):
        found = {name: ast.literal_eval(value) for name, value in _ASSIGNMENT.findall(script.read_text())}
        revisions[found["revision"]] = found["down_revision"]
    return revisions


def _run_alembic(connection: Connection, migrations: Path) -> None:
    from alembic.config import Config  # noqa: PLC0415  # see above
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory(str(migrations))

    def steps(revision: object, _: object) -> object:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001  # as in Alembic's cookbook

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
