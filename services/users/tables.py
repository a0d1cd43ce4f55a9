"""Which tables hold the accounts? The migrations make them; a test compares the two.

Times are microseconds since 1970, UTC.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("user_id", String(41), primary_key=True),
    Column("email", String(254), nullable=False),
    Column("name", String(120), nullable=False),
    Column("address", String(500), nullable=False),
    Column("role", String(8), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("email", name="account_email"),
    CheckConstraint("role IN ('customer', 'admin')", name="account_role"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("family", String(64), primary_key=True),
    Column("user_id", String(41), nullable=False),
    Column("current", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("renewed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("sessions_of_user", "user_id", "expires_at"),
    Index("sessions_to_end", "expires_at"),
)
"""One row for each Login, with hashes of what its refresh tokens are made of: see refresh_tokens.py."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("address", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Index("attempts_to_forget", "last_at"),
)
"""Passwords tried in vain, by the hash of what was given as the address: it may be anything, also a password."""

SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("kid", String(32), nullable=False),
    Column("private_key", Text, nullable=False),
    Column("signs_from", BigInteger, nullable=False),
)
"""See docs/decisions/0027 for why the keys are here."""
