"""Which table holds the products? The migrations make it; a test compares the two. The index of words: index.py."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

PRODUCTS = Table(
    "products",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("description", Text, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("nanos", Integer, nullable=False),
    Column("etag", String(32), nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("searched", Text, nullable=False),  # for the version before, which searches in it; then it goes
    Column("category", String(32), nullable=False, server_default=""),
    Column("picture", String(64), nullable=False, server_default=""),
    Column("filed_under", String(100), nullable=False, server_default=""),
    Index("products_by_category", "category", "id"),
    Index("products_by_price", "currency_code", "units", "nanos", "id"),
    Index("products_by_name", "filed_under", "id"),
)
