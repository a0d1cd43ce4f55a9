"""Is a database's schema the newest, and how does it become so? By Alembic's revisions, in one transaction.

Revisions are Alembic scripts in `<migrations>/versions`, with `revision` and `down_revision` as plain
strings. Every start asks; only a schema that is behind loads Alembic, which costs 0.3 s and 10 MiB.

A schema that is *newer* than the program is left alone, and served: while versions change over, the
older pods run, and start, beside the newer ones. So the rule for every revision: it may add, and may
remove or narrow only what no version that still runs uses. To rename a column is three releases: add
the new one and write both, read the new one, remove the old one
(docs/decisions/0021-migrations-before-roll-out.md).
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from services.hosting.starting import NotYet

logger = logging.getLogger("argosy.schema")

EMPTY = "none"  # the revision of a database without a schema

_ASSIGNMENT = re.compile(r"^(down_revision|revision)(?:: [^=]+)? = (.+)$", re.MULTILINE)


Seed = Callable[[Connection], int]
"""A work that adds what a new database begins with, unless it is there; returns how much it has added."""


@dataclass(frozen=True)
class Change:
    """What bringing a database to its newest revision came to."""

    before: str
    after: str
    seeded: int


def establish(connection: Connection, migrations: Path, seed: Seed | None) -> Change:
    """Bring the database to its newest revision and seed it, within the connection's transaction.

    So whoever waits for the revision finds the seed with it. The caller keeps other processes out.
    """
    before = revision_of(connection)
    upgrade(connection, migrations)
    return Change(before, revision_of(connection), seed(connection) if seed else 0)


def upgrade(connection: Connection, migrations: Path) -> None:
    """Bring the schema to the newest revision within the connection's transaction."""
    if _missing(connection, migrations):
        _run_alembic(connection, migrations)


def require(connection: Connection, migrations: Path) -> None:
    """Raises NotYet unless the schema is at the newest revision, or newer than this program."""
    if needed := _missing(connection, migrations):
        at = revision_of(connection)
        raise NotYet(f"its schema is at revision {at}, this program needs {needed}; the command `migrate` upgrades it")


def revision_of(connection: Connection) -> str:
    """At which revision the database is."""
    if not inspect(connection).has_table("alembic_version"):
        return EMPTY
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or EMPTY)


def _missing(connection: Connection, migrations: Path) -> str:
    """The revision that the schema is still to be brought to; empty when there is none."""
    at = revision_of(connection)
    known = _revisions(migrations)
    newest = known.keys() - set(known.values())
    if at in newest:
        return ""
    if at != EMPTY and at not in known:
        logger.warning("the schema is newer than this program", extra={"schema": at})
        return ""
    return ", ".join(sorted(newest))


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
