"""What does a visitor do with a page? Read it, fill in its forms with what is in them, and send them."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx2

GOOD_CARD, DECLINED_CARD, POOR_CARD, EXPIRED_CARD = (
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000000000000069",
)
PASSWORD = "a quiet harbour at dawn"


@dataclass
class Form:
    """A form of a page: where it goes, and what is in its fields."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """All forms of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text = ""
        self._open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._open)
        elif self._open and tag in {"input", "textarea"} and "name" in given:
            self._open.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Browser:
    """A visitor."""

    client: httpx2.AsyncClient

    async def look(self, path: str) -> httpx2.Response:
        """A page."""
        return await self.client.get(path)

    async def see(self, path: str, *texts: str) -> httpx2.Response:
        """A page, looked at until it has all these texts: a busy machine may leave out what is best effort."""
        while True:
            page = await self.look(path)
            if all(text in page.text for text in texts):
                return page
            await asyncio.sleep(0.05)  # bounded by the test's timeout

    async def well(self, path: str) -> None:
        """Come back until the page is there: a circuit that was opened before may still be."""
        while (await self.look(path)).status_code != 200:
            await asyncio.sleep(0.05)  # bounded by the test's timeout

    async def form(self, path: str, action: str) -> Form:
        """The form of a page that goes to `action`."""
        return found(await self.look(path), action)

    async def send(self, form: Form, **typed: str) -> httpx2.Response:
        """Send a form with these fields filled in; where the answer leads to, when it leads anywhere."""
        body = [(name, value) for name, value in form.fields if name not in typed] + list(typed.items())
        return await self.client.post(
            form.action,
            content=urlencode(body),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    async def put_in(self, product_id: str, quantity: int = 1) -> httpx2.Response:
        """Put some pieces into the cart."""
        return await self.send(await self.form(f"/products/{product_id}", "/cart"), quantity=str(quantity))

    async def pay(self, form: Form, number: str = GOOD_CARD) -> httpx2.Response:
        """Send a check-out form with a card."""
        card = {"number": number, "expiry_month": "12", "expiry_year": "2090", "security_code": "123"}
        return await self.send(form, **card)

    async def buy(self, product_id: str, quantity: int = 1, number: str = GOOD_CARD) -> httpx2.Response:
        """Buy something without a cart."""
        return await self.pay(
            await self.form(f"/checkout?product={product_id}&quantity={quantity}", "/checkout"), number
        )

    async def register(self, to: str = "/") -> str:
        """Make an account and sign in; its address."""
        email = f"{uuid.uuid4()}@ship.example"
        form = await self.form(f"/register?to={to}", "/register")
        answer = await self.send(form, name="Jason", email=email, password=PASSWORD)
        assert answer.status_code == 200, answer.text
        return email


def found(page: httpx2.Response, action: str) -> Form:
    """The form of this page that goes to `action`."""
    return next(form for form in Forms(page.text).forms if form.action == action and form.method == "post")


def order_id(page: httpx2.Response) -> str:
    """Whose page this is, of all orders."""
    assert page.url.path.startswith("/orders/"), (page.status_code, page.url.path)
    return page.url.path.rpartition("/")[2]
