from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.browser.whole_shop import SOLD, WholeShop
from tests.browser.whole_shop import opened as whole_shop
from tests.fuzz.acquaintance import Acquaintance, make_acquaintance
from tests.fuzz.shop_inside import Target, opened
from tests.hosting.databases import Files, Servers
from tests.orders.shop import PRODUCTS


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzz")
    products = folder / "products.json"
    products.write_text(json.dumps(PRODUCTS))
    if request.param == "sqlite":
        with opened(Files(folder), products) as target:
            yield target
        return
    servers = Servers(request.getfixturevalue("cluster"))
    with opened(servers, products) as target:
        yield target
    servers.drop()


@pytest.fixture(scope="module")
def acquaintance(target: Target) -> Acquaintance:
    return make_acquaintance(target)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeShop]:
    """The shop as processes, for what comes in over HTTP."""
    folder = tmp_path_factory.mktemp("shop")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(whole_shop(folder, SOLD)) as shop:
        yield shop
