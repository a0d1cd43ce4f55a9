"""What do bad requests come to, and what does every answer say to a browser?"""

from __future__ import annotations

import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from services.storefront.application import PAGES
from services.storefront.safety import LARGEST_BODY, POLICY, Safety
from tests.storefront.browser import Browser
from tests.storefront.harbour import Harbour

SCRIPT = "<script>alert('x')</script>"
POSTS = sorted(
    route.path.replace("{product_id}", "mug").replace("{order_id}", "11111111-1111-4111-8111-111111111111")
    for page in PAGES
    for route in page.router.routes
    if "POST" in (getattr(route, "methods", None) or ())
)
FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_every_form_is_tried_below() -> None:
    assert {"/cart", "/cart/mug", "/checkout", "/sign-in", "/sign-out", "/register", "/account"} <= set(POSTS)


@pytest.mark.parametrize("path", POSTS)
async def test_no_form_is_taken_without_the_visitor_s_token(browser: Browser, path: str) -> None:
    await browser.register()
    for body in ("", "form=", f"form={'0' * 32}", f"form={SCRIPT}"):
        answer = await browser.client.post(path, content=body, headers=FORM)
        if path.startswith("/admin"):
            assert answer.status_code == 403
        else:
            assert (answer.status_code, "not one of ours" in answer.text) == (403, True)


@pytest.mark.parametrize("path", ["/cart", "/checkout", "/sign-in"])
async def test_another_visitor_s_token_is_no_token(browser: Browser, another: Browser, path: str) -> None:
    form = await another.form("/sign-in", "/sign-in")
    await browser.look("/")
    assert (await browser.client.post(path, data={"form": dict(form.fields)["form"]})).status_code == 403


async def test_a_form_of_ours_sent_from_another_site_is_refused(browser: Browser) -> None:
    form = await browser.form("/products/mug", "/cart")
    for site in ("cross-site", "same-site"):
        answer = await browser.client.post("/cart", data=dict(form.fields), headers={"sec-fetch-site": site})
        assert answer.status_code == 403
    answer = await browser.client.post("/cart", data=dict(form.fields), headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/cart", "/nowhere", "/static/shop.css", "/static/none", "/pictures/mug.svg", "/api/products", "/healthz"],
)
async def test_every_answer_has_the_headers(browser: Browser, path: str) -> None:
    headers = (await browser.look(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["argosy-pod"] == "storefront-pod"
    assert "server" not in headers


async def test_pages_are_kept_by_nobody_and_pictures_by_everybody(browser: Browser) -> None:
    assert (await browser.look("/")).headers["cache-control"] == "no-store"
    assert "max-age" in (await browser.look("/static/shop.css")).headers["cache-control"]
    assert "immutable" in (await browser.look("/pictures/mug.svg?as=mug/teal&edition=1")).headers["cache-control"]


async def test_cookies_are_for_this_shop_s_server_alone(browser: Browser) -> None:
    answer = await browser.look("/")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie for cookie in cookies)
    assert not any("Secure" in cookie for cookie in cookies)


async def test_over_https_cookies_stay_there(browser: Browser) -> None:
    answer = await browser.client.get("/", headers={"x-forwarded-proto": "https"})
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_too_long_a_body_is_not_read(browser: Browser) -> None:
    await browser.look("/")
    assert (await browser.client.post("/cart", content=b"x" * (LARGEST_BODY + 1))).status_code == 413


async def test_too_long_a_body_that_was_not_announced_is_not_read_to_its_end() -> None:
    read: list[int] = []
    said: list[int] = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        while True:
            read.append(len((await receive())["body"]))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    async def send(message: Message) -> None:
        said.append(message.get("status", 0))

    scope: Scope = {"type": "http", "method": "POST", "path": "/cart", "scheme": "http", "headers": []}
    await Safety(app)(scope, receive, send)
    assert said[0] == 413
    assert sum(read) == LARGEST_BODY


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_other_kinds_of_content_are_no_forms(browser: Browser, kind: str) -> None:
    await browser.look("/")
    answer = await browser.client.post("/cart", content=json.dumps({"form": "x"}), headers={"content-type": kind})
    assert answer.status_code in {400, 403}


@pytest.mark.parametrize(
    "path",
    [
        f"/search?q={SCRIPT}",
        f"/search?q=mug&category={SCRIPT}&least={SCRIPT}&order={SCRIPT}&after={SCRIPT}",
        f"/sign-in?to={SCRIPT}",
        f"/?note={SCRIPT}",
        f"/orders?after={SCRIPT}",
        f"/products/{SCRIPT}",
        f"/pictures/mug.svg?as={SCRIPT}",
        "/search?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/search?q='; DROP TABLE products; --",
        "/search?q=%00%ff",
        "/?" + "&".join(f"a{number}=" for number in range(500)),
    ],
)
async def test_what_is_typed_into_addresses_is_shown_as_text_or_not_at_all(browser: Browser, path: str) -> None:
    answer = await browser.look(path)
    assert answer.status_code < 500
    assert SCRIPT not in answer.text
    assert "<img src=x" not in answer.text


async def test_a_name_with_a_script_in_it_is_a_name(browser: Browser) -> None:
    form = await browser.form("/register", "/register")
    answer = await browser.send(form, name=SCRIPT, email="x@ship.example", password="twelve letters")
    assert answer.status_code in {200, 409}
    assert SCRIPT not in answer.text


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:x"]
)
async def test_nobody_is_sent_to_another_site(browser: Browser, to: str) -> None:
    form = await browser.form(f"/sign-in?to={to}", "/sign-in")
    assert dict(form.fields)["to"] == "/"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products/UPPER", 404),
        ("/products/..%2f..%2fetc", 404),
        ("/products/unknown-thing", 404),
        ("/categories/none-of-ours", 404),
        ("/orders/none", 404),
        ("/orders/11111111-1111-4111-8111-111111111111", 404),
        ("/static/../__main__.py", 404),
        ("/static/%2e%2e/__main__.py", 404),
        ("/checkout?quantity=0", 400),
        ("/checkout?product=mug&quantity=9999999999999999999999", 400),
        ("/docs", 404),
    ],
)
async def test_a_wrong_address_is_a_page_that_says_so(browser: Browser, path: str, status: int) -> None:
    answer = await browser.look(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


async def test_a_method_that_is_not_meant_is_405(browser: Browser) -> None:
    assert (await browser.client.delete("/cart")).status_code == 405


async def test_what_a_card_s_form_held_is_in_no_log(
    harbour: Harbour, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        await browser.buy("mug", number="4000000000000002")
    assert "4000000000000002" not in caplog.text
    assert not any("4000000000000002" in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("value", [b"\xff\xfe", b"caf\xe9", b"x" * 9000])
@pytest.mark.parametrize("name", ["x-request-id", "tracestate", "traceparent", "x-canary", "cookie", "last-event-id"])
async def test_no_header_that_travels_on_breaks_a_page(browser: Browser, name: str, value: bytes) -> None:
    answer = await browser.client.get("/", headers=[(name.encode(), value)])
    assert answer.status_code == 200
