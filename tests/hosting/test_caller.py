"""The caller is who our own sidecar says it is, never who the caller says it is."""

from __future__ import annotations

import pytest

from services.hosting.caller import caller

ORDERS = "spiffe://cluster.local/ns/shop/sa/orders"
GATEWAY = "spiffe://cluster.local/ns/shop/sa/gateway"
ME = "spiffe://cluster.local/ns/shop/sa/catalog"


@pytest.mark.parametrize(
    ("header", "identity"),
    [
        (f'By={ME};Hash=ab;Subject="";URI={ORDERS}', ORDERS),
        (f'By={ME};Hash=ab;Subject="CN=a,O=b;URI=spiffe://forged";URI={ORDERS}', ORDERS),
        (f'By={ME};Hash=ab;URI={GATEWAY},By={ME};Hash=cd;Subject="O=\\"x\\"";URI={ORDERS}', ORDERS),
        (f"By={ME};URI={ORDERS};Hash=ab", ORDERS),
        (f"By={ME};URI={GATEWAY},By={ME};Hash=cd", ""),
        (f'By={ME};Subject="unterminated;URI={ORDERS}', ""),
        ("", ""),
        ("nonsense", ""),
        (f'Subject="{"a," * 5000}', ""),
    ],
)
def test_the_last_element_s_uri_is_the_caller(header: str, identity: str) -> None:
    assert caller(header) == identity
