"""What does an order cost? Catalog's prices at the moment it is placed, which the order keeps."""

from __future__ import annotations

from collections.abc import Sequence

from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.orders.v1 import orders_pb2

from mesh.resilience import degraded
from services.hosting.errors import DependencyUnavailable, InvalidRequest, NotFound, ShopError
from services.orders.error_info import info_of
from services.orders.money import LARGEST, billionths
from services.orders.order import Line
from services.orders.shown_prices import PriceChanged, require_shown

CATALOG = "catalog"
OrderLines = Sequence[orders_pb2.OrderLine]


class Prices:
    """Asks catalog."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    async def of(self, lines: OrderLines, currency: str) -> tuple[Line, ...]:
        """The lines with today's prices.

        Raises InvalidRequest for a product named twice, another currency or a total nobody can be
        charged; NotFound for an unknown product; PreconditionFailed when a price is not the one the
        customer was shown; DependencyUnavailable.
        """
        _each_product_once(lines)
        request = catalog_pb2.BatchGetProductsRequest(product_ids=[line.product_id for line in lines])
        try:
            answer = await self._catalog.BatchGetProducts(request)
        except AioRpcError as error:
            raise _refusal(error, lines) from error
        try:
            return priced(lines, answer.products, currency)
        except PriceChanged as error:
            if CATALOG in degraded.collected():  # an old price does not tell what today's is
                raise DependencyUnavailable(CATALOG) from error
            raise


def priced(lines: OrderLines, products: Sequence[catalog_pb2.Product], currency: str) -> tuple[Line, ...]:
    """The lines with the products' prices. Raises InvalidRequest and PreconditionFailed as `Prices.of`."""
    for product in products:
        if product.price.currency_code != currency:
            raise InvalidRequest(
                "CURRENCY_MISMATCH",
                f"{product.id} is sold in {product.price.currency_code}",
                field="currency_code",
                metadata={"product_id": product.id, "currency_code": product.price.currency_code},
            )
    found = {product.id: billionths(product.price) for product in products}
    lines_with_prices = tuple(Line(line.product_id, line.quantity, found[line.product_id]) for line in lines)
    require_shown(lines, lines_with_prices, currency)
    if not 0 < sum(line.quantity * line.unit_price for line in lines_with_prices) <= LARGEST:
        raise InvalidRequest("TOTAL_OUT_OF_RANGE", "an order costs more than 0 and at most 1000000", field="lines")
    return lines_with_prices


def _each_product_once(lines: OrderLines) -> None:
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if line.product_id in seen:
            field = f"lines[{index}].product_id"
            raise InvalidRequest("DUPLICATE_PRODUCT", "names a product that an earlier line names", field=field)
        seen.add(line.product_id)


def _refusal(error: AioRpcError, lines: OrderLines) -> ShopError:
    if error.code() is not StatusCode.NOT_FOUND:
        return DependencyUnavailable(CATALOG)
    product_id = info_of(error).metadata.get("product_id", "")
    blamed = [index for index, line in enumerate(lines) if line.product_id == product_id]
    field = f"lines[{blamed[0]}].product_id" if blamed else "lines"
    message = f"there is no product {product_id}" if blamed else "a product does not exist"
    return NotFound("PRODUCT_NOT_FOUND", message, field=field, metadata={"product_id": product_id})
