"""What is known about products, and how far orders have been read."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("product_id", sa.String(64), primary_key=True),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("bought", sa.Double, nullable=False),
        sa.Column("viewed", sa.Double, nullable=False),
    )
    op.create_table(
        "pairs",
        sa.Column("product_id", sa.String(64), primary_key=True),
        sa.Column("other_id", sa.String(64), primary_key=True),
        sa.Column("bought", sa.Double, nullable=False),
        sa.Column("viewed", sa.Double, nullable=False),
    )
    op.create_table(
        "views",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("product_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("views_by_age", "views", ["at"])
    op.create_table(
        "orders_read",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
    )
    op.create_index("orders_read_by_age", "orders_read", ["created"])
    op.create_index(
        "orders_open", "orders_read", ["asked"], sqlite_where=sa.text("open"), postgresql_where=sa.text("open")
    )
    op.create_table(
        "cursors",
        sa.Column("feed", sa.String(16), primary_key=True),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("ceiling", sa.BigInteger, nullable=False),
        sa.Column("page_token", sa.String(256), nullable=False),
    )


def downgrade() -> None:
    for table in ("cursors", "orders_read", "views", "pairs", "products"):
        op.drop_table(table)
