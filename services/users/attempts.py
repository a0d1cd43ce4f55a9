"""How are wrong passwords counted? Each try before it is made, in the database: every replica sees it.

Counted beforehand, a hundred tries at the same moment are a hundred tries; whoever was right is forgiven afterwards.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Connection, update

from services.hosting.database import inserting
from services.hosting.errors import Overloaded
from services.users import accounts, throttle
from services.users.account import Account
from services.users.tables import ATTEMPTS
from services.users.throttle import NONE, SECOND, Attempts


def begin(connection: Connection, email: str, now: int) -> Account | None:
    """Count a try, and tell whose account is tried, if anybody's. Raises Overloaded when it is too soon.

    An address without an account is treated like any other: the answer shall not tell.
    """
    address = _hidden(email)
    so_far = _locked(connection, address)
    if wait := throttle.pause(so_far, now):
        raise Overloaded(
            "TOO_MANY_ATTEMPTS", "too many wrong passwords: wait before the next try", retry_in=wait / SECOND
        )
    after = throttle.tried(so_far, now)._asdict()
    connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.address == address).values(after))
    return accounts.by_email(connection, email)


def forgive(connection: Connection, email: str) -> None:
    """Forget the tries: the password was right."""
    connection.execute(ATTEMPTS.delete().where(ATTEMPTS.c.address == _hidden(email)))


def forget(connection: Connection, now: int) -> int:
    """Remove what no longer counts; how many addresses that were."""
    return connection.execute(ATTEMPTS.delete().where(ATTEMPTS.c.last_at <= now - throttle.FORGOTTEN)).rowcount


def _locked(connection: Connection, address: str) -> Attempts:
    """The tries so far, kept as they are until the end of the transaction: also when there is no row before it."""
    statement = inserting(connection, ATTEMPTS).values(address=address, **NONE._asdict())
    found = statement.on_conflict_do_update(index_elements=["address"], set_={"tries": ATTEMPTS.c.tries})
    return Attempts(*connection.execute(found.returning(ATTEMPTS.c.tries, ATTEMPTS.c.last_at)).one())


def _hidden(email: str) -> str:
    return sha256(email.encode()).hexdigest()
