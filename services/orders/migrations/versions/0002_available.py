"""How many pieces there were of the product that was too few."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("available", sa.Integer))


def downgrade() -> None:
    op.drop_column("orders", "available")
