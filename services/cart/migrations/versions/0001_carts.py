"""Carts, and what was done to them under a key."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carts",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("contents", sa.JSON, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
    )
    op.create_index("carts_by_age", "carts", ["updated"])
    op.create_table(
        "deeds",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("deed", sa.String(9), primary_key=True),
        sa.Column("key", sa.String(36), primary_key=True),
        sa.Column("contents", sa.JSON, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("deed IN ('ADD', 'CHECK_OUT')", name="deed_known"),
    )
    op.create_index("deeds_by_age", "deeds", ["at"])


def downgrade() -> None:
    op.drop_table("deeds")
    op.drop_table("carts")
