"""Categories, pictures, an order by name, and an index of words.

Products of the version before are not in the index; whoever migrates adds them (services/catalog/store.py).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"

ADDED = {"category": 32, "picture": 64, "filed_under": 100}
ORDERS = {
    "products_by_category": ["category", "id"],
    "products_by_price": ["currency_code", "units", "nanos", "id"],
    "products_by_name": ["filed_under", "id"],
}


def upgrade() -> None:
    for column, length in ADDED.items():
        op.add_column("products", sa.Column(column, sa.String(length), nullable=False, server_default=""))
    for index, columns in ORDERS.items():
        op.create_index(index, "products", columns)
    if op.get_bind().dialect.name == "sqlite":
        # "ascii" parts text at spaces and leaves letters of all scripts as they are: words.py has found the words.
        op.execute("CREATE VIRTUAL TABLE product_words USING fts5(name, more, tokenize = 'ascii', prefix = '1 2 3')")
        op.create_table(
            "product_numbers",
            sa.Column("number", sa.Integer, primary_key=True),
            sa.Column("id", sa.String(64), nullable=False, unique=True),
        )
        return
    op.create_table(
        "product_words",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("words", TSVECTOR, nullable=False),
    )
    op.create_index("product_words_held", "product_words", ["words"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("product_words")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table("product_numbers")
    for index in ORDERS:
        op.drop_index(index, "products")
    for column in ADDED:
        op.drop_column("products", column)
