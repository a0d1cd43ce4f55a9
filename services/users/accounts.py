"""How are accounts kept? One row each; works of one transaction (see services/hosting/database.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from services.hosting.database import insert_new
from services.hosting.errors import Aborted, AlreadyExists, NotFound
from services.users.account import Account, Role
from services.users.tables import ACCOUNTS, SESSIONS


def add(connection: Connection, account: Account) -> None:
    """Raises AlreadyExists when the address has an account."""
    if not insert_new(connection, ACCOUNTS, **asdict(account) | {"role": account.role.value}):
        raise AlreadyExists("EMAIL_TAKEN", "this address has an account already: sign in", field="email")


def by_email(connection: Connection, email: str) -> Account | None:
    return _account(connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.email == email)).one_or_none())


def by_id(connection: Connection, user_id: str, *, lock: bool = False) -> Account | None:
    """The account, kept as it is until the end of the transaction if `lock`."""
    query = select(ACCOUNTS).where(ACCOUNTS.c.user_id == user_id)
    return _account(connection.execute(query.with_for_update() if lock else query).one_or_none())


def change_profile(connection: Connection, user_id: str, etag: str, changes: Mapping[str, str]) -> Account:
    """The account with other names or addresses. Raises NotFound, or Aborted when `etag` is not the current one."""
    before = by_id(connection, user_id, lock=True)
    if before is None:
        raise NotFound("ACCOUNT_NOT_FOUND", "the account is gone")
    if before.etag != etag:
        raise Aborted(
            "ETAG_MISMATCH",
            "the profile has changed since it was read",
            field="profile.etag",
            metadata={"etag": before.etag},
        )
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.user_id == user_id).values(changes))
    return replace(before, name=changes.get("name", before.name), address=changes.get("address", before.address))


def change_password(connection: Connection, user_id: str, before: str, after: str) -> bool:
    """Another hash, and the end of every session; False when `before` is no longer the hash."""
    changed = connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.user_id == user_id, ACCOUNTS.c.password_hash == before)
        .values(password_hash=after)
    ).rowcount
    if changed:
        connection.execute(SESSIONS.delete().where(SESSIONS.c.user_id == user_id))
    return bool(changed)


def grant(connection: Connection, email: str, role: Role) -> bool:
    """Give the account of `email` a role, which its tokens have from the next Refresh on; False when there is none."""
    granted = connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.email == email).values(role=role.value))
    return bool(granted.rowcount)


def _account(row: Row[Any] | None) -> Account | None:
    if row is None:
        return None
    facts = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
    return Account(**facts | {"role": Role(facts["role"])})
