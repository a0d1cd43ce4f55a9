"""How does a page become HTML? A template, what the page gives it, and what every page shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from shop.cart.v1.cart_pb2 import GetCartRequest
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from mesh.resilience import degraded
from services.storefront import money, progress
from services.storefront.jar import Jar
from services.storefront.notices import notice
from services.storefront.pictures import drawing
from services.storefront.shop import BRIEFLY, Shop
from services.storefront.visitor import Visitor

HERE = Path(__file__).parent
SEE_OTHER = 303


def environment() -> Environment:
    """The templates. Everything is escaped, and a name that a page forgot to give is an error."""
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"money": money.shown, "picture": lambda product: drawing.address(product.id, product.picture)}
    made.globals["progress"] = progress
    return made


class Page:
    """A page in the making: for whom, and what all pages have around them."""

    def __init__(self, request: Request) -> None:
        self.shop: Shop = request.app.state.shop
        self.visitor: Visitor = request.state.visitor
        self.jar: Jar = request.state.jar
        self._request = request
        self._badge: asyncio.Task[int | None] | None = None

    def begin(self) -> None:
        """Ask for what all pages show, while the page asks for its own."""
        self._badge = asyncio.create_task(self._pieces())

    async def end(self) -> None:
        """The page is made, or will not be."""
        if self._badge is not None:
            self._badge.cancel()
            with suppress(asyncio.CancelledError):
                await self._badge

    async def html(self, template: str, /, *, status: int = 200, **given: Any) -> HTMLResponse:
        """The page, with everything it needs."""
        if self._badge is None:
            self.begin()
        assert self._badge is not None  # noqa: S101  # begun a line above
        given |= {
            "visitor": self.visitor,
            "pieces": await self._badge,
            "path": self._request.url.path,
            "query": self._request.query_params.get("q", "")[:100],
            "notice": notice(self._request.query_params.get("note", "")),
            "answers": self._answers(),
            "missing": sorted(degraded.collected()),
            "host": self._request.app.state.host_facts,
        }
        made: Environment = self._request.app.state.templates
        return HTMLResponse(made.get_template(template).render(given), status_code=status)

    def cookie(self, name: str) -> str:
        """What the browser sent under this name."""
        return self._request.cookies.get(name, "")

    def to(self, path: str) -> RedirectResponse:
        """Send the browser elsewhere; a reload there repeats nothing."""
        return RedirectResponse(path, status_code=SEE_OTHER)

    async def _pieces(self) -> int | None:
        """How many pieces are in the cart; None when nobody can say."""
        asked = GetCartRequest(customer_id=self.visitor.id)
        answer = await self.shop.if_possible(
            "cart", self.shop.cart.GetCart(asked, timeout=BRIEFLY, metadata=self.visitor.metadata)
        )
        return None if answer is None else sum(item.quantity for item in answer.cart.items)

    def _answers(self) -> Sequence[tuple[str, str, str]]:
        """Who answered: service, version and pod, each once."""
        said = {
            (answer.peer, str(answer.trailers.get("argosy-version", "")), str(answer.trailers["argosy-pod"]))
            for answer in self._request.state.answers
            if "argosy-pod" in answer.trailers  # a sidecar's own refusal names nobody
        }
        return sorted(said)
