"""Accounts, sessions, attempts to sign in, and signing keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("user_id", sa.String(41), primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("email", name="account_email"),
        sa.CheckConstraint("role IN ('customer', 'admin')", name="account_role"),
    )
    op.create_table(
        "sessions",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(41), nullable=False),
        sa.Column("current", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("renewed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_of_user", "sessions", ["user_id", "expires_at"])
    op.create_index("sessions_to_end", "sessions", ["expires_at"])
    op.create_table(
        "attempts",
        sa.Column("address", sa.String(64), primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )
    op.create_index("attempts_to_forget", "attempts", ["last_at"])
    op.create_table(
        "signing_keys",
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kid", sa.String(32), nullable=False),
        sa.Column("private_key", sa.Text, nullable=False),
        sa.Column("signs_from", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("signing_keys")
    op.drop_table("attempts")
    op.drop_table("sessions")
    op.drop_table("accounts")
