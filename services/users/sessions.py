"""How does somebody stay signed in? One row for each Login; works of one transaction."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select, update

from services.users import accounts, attempts
from services.users.account import Account
from services.users.refresh_tokens import RefreshToken, Session, Verdict, judged
from services.users.tables import ACCOUNTS, SESSIONS
from services.users.throttle import SECOND

LASTS = 30 * 24 * 3600 * SECOND  # from Login, however often it is renewed
MOST = 20  # of one account; the oldest ends when another begins


class Renewal(NamedTuple):
    """What came of a refresh token."""

    verdict: Verdict
    session: Session | None = None
    account: Account | None = None  # when it was renewed


def begin(connection: Connection, tried: Account, token: RefreshToken, now: int, password_hash: str) -> Session | None:
    """Begin a session for the account whose password was tried and right; None when it has another one by now.

    The account is locked: a session that begins while the password is changed ends with the others. From here on
    the password is stored as `password_hash`, the same one or a better hash of it.
    """
    account = accounts.by_id(connection, tried.user_id, lock=True)
    if account is None or account.password_hash != tried.password_hash:
        return None
    if password_hash != tried.password_hash:
        connection.execute(
            update(ACCOUNTS).where(ACCOUNTS.c.user_id == account.user_id).values(password_hash=password_hash)
        )
    attempts.forgive(connection, account.email)
    _make_room(connection, account.user_id)
    session = Session(token.family_hash, account.user_id, token.secret_hash, "", now, now + LASTS)
    connection.execute(SESSIONS.insert(), session._asdict())
    return session


def renew(connection: Connection, token: RefreshToken, successor: RefreshToken, now: int) -> Renewal:
    """Put `successor` into the place of `token`; or end the session, if it is over or its token was stolen."""
    mine = SESSIONS.c.family == token.family_hash
    row = connection.execute(select(SESSIONS).where(mine).with_for_update()).one_or_none()
    if row is None:
        return Renewal(Verdict.OVER)
    session = Session(*row)
    verdict = judged(session, token.secret_hash, now)
    if verdict is Verdict.RENEWED:
        changes = {"current": successor.secret_hash, "previous": session.current, "renewed_at": now}
        connection.execute(update(SESSIONS).where(mine).values(changes))
        return Renewal(verdict, session, accounts.by_id(connection, session.user_id))
    if verdict is not Verdict.RACED:
        connection.execute(SESSIONS.delete().where(mine))
    return Renewal(verdict, session)


def end(connection: Connection, token: RefreshToken) -> None:
    """End the session that the token belongs to, whichever of its tokens it is; nothing when there is none."""
    connection.execute(SESSIONS.delete().where(SESSIONS.c.family == token.family_hash))


def forget(connection: Connection, now: int) -> int:
    """Remove sessions that are over; how many."""
    return connection.execute(SESSIONS.delete().where(SESSIONS.c.expires_at <= now)).rowcount


def _make_room(connection: Connection, user_id: str) -> None:
    """End the oldest sessions of an account, so that one more is no more than MOST."""
    newest_first = select(SESSIONS.c.family).where(SESSIONS.c.user_id == user_id).order_by(SESSIONS.c.expires_at.desc())
    surplus = connection.scalars(newest_first.offset(MOST - 1)).all()
    if surplus:
        connection.execute(SESSIONS.delete().where(SESSIONS.c.family.in_(surplus)))
