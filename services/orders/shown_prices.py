"""Is every price still the one that the customer was shown? Nobody pays another without having seen it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shop.orders.v1 import orders_pb2

from services.hosting.errors import InvalidRequest, PreconditionFailed, Violation
from services.orders.money import billionths, written
from services.orders.order import Line


class PriceChanged(PreconditionFailed):
    """Names every line whose price is another one by now; the message and the metadata are about the first."""

    def __init__(self, line: Line, shown: int, currency: str, changed: Sequence[Violation]) -> None:
        super().__init__(
            "PRICE_CHANGED",
            f"{changed[0].description}: look at the prices again, then order.",
            metadata={
                "product_id": line.product_id,
                "currency_code": currency,
                "old_price": written(shown),
                "new_price": written(line.unit_price),
            },
        )
        self.violations = changed


def require_shown(asked: Sequence[orders_pb2.OrderLine], today: Sequence[Line], currency: str) -> None:
    """Raises PriceChanged unless each line costs `today` what was shown to the customer, if anything was.

    Raises InvalidRequest when it was shown in another currency than the one to pay in.
    """
    changed = list(_changes(asked, today, currency))
    if changed:
        violations = [violation for *_, violation in changed]
        line, shown, _ = changed[0]
        raise PriceChanged(line, shown, currency, violations)


def _changes(
    asked: Sequence[orders_pb2.OrderLine], today: Sequence[Line], currency: str
) -> Iterator[tuple[Line, int, Violation]]:
    for index, (wanted, line) in enumerate(zip(asked, today, strict=True)):
        if not wanted.HasField("unit_price"):
            continue
        field, shown = f"lines[{index}].unit_price", billionths(wanted.unit_price)
        if wanted.unit_price.currency_code != currency:
            raise InvalidRequest(
                "CURRENCY_MISMATCH", "is not in the currency to pay in", field=f"{field}.currency_code"
            )
        if shown != line.unit_price:
            text = f"{line.product_id} costs {currency} {written(line.unit_price)} now, not {written(shown)}"
            yield line, shown, Violation(field, text)
