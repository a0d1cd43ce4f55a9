"""Bodies that no generator of valid JSON makes: too large, too deep, of another kind, with somebody's code in them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import httpx2
import pytest

from tests.browser.whole_shop import WholeShop
from tests.fuzz.verdict import INSIDE

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

GUEST = "guest-00000000-0000-4000-8000-000000000002"
ITEM = {"product_id": "brass-compass", "quantity": 1}
ADD = f"/api/carts/{GUEST}/items"
JSON = "application/json"
DEEP = 50_000
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def client(shop: WholeShop) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=shop.page, timeout=60) as client:
        yield client


def good() -> bytes:
    return json.dumps(ITEM).encode()


def sent(client: httpx2.Client, body: bytes, content_type: str) -> httpx2.Response:
    headers = {"content-type": content_type, "idempotency-key": str(uuid.uuid4())}
    return client.post(ADD, content=body, headers=headers)


def test_the_body_that_the_others_are_made_of_is_taken(client: httpx2.Client) -> None:
    assert sent(client, good(), JSON).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "codes"),
    [
        pytest.param(good() + b" " * 2_000_000, JSON, {413}, id="giant"),
        pytest.param(b"[" * DEEP + b"]" * DEEP, JSON, {400, 413, 422}, id="deep list"),
        pytest.param(b'{"a":' * DEEP + b"1" + b"}" * DEEP, JSON, {400, 413, 422}, id="deep object"),
        pytest.param(b"[" * 9_000 + b"]" * 9_000, JSON, {400, 422}, id="deep, and small enough to be read"),
        pytest.param(b'{"quantity":' + b"9" * 5_000 + b"}", JSON, {400, 422}, id="a number of 5000 digits"),
        pytest.param(b'{"product_id":"mug","quantity":NaN}', JSON, {400, 422}, id="NaN"),
        pytest.param(b'{"product_id":"mug","quantity":1e400}', JSON, {400, 422}, id="infinite"),
        pytest.param(b'{"product_id":"\xff\xfe"}', JSON, {400, 422}, id="not UTF-8"),
        pytest.param(b'{"product_id":"\\ud800","quantity":1}', JSON, {400, 422}, id="half a character"),
        pytest.param(b'{"product_id":"\\u0000","quantity":1}', JSON, {400, 422}, id="NUL"),
        pytest.param(b"", JSON, {400, 422}, id="nothing"),
        pytest.param(b"null", JSON, {400, 422}, id="null"),
        pytest.param(good(), "text/plain", {400, 415, 422}, id="JSON that says it is text"),
        pytest.param(good(), "application/x-www-form-urlencoded", {400, 415, 422}, id="JSON that says it is a form"),
        pytest.param(good(), "multipart/form-data", {400, 415, 422}, id="multipart without a boundary"),
        pytest.param(b"<item/>", "application/xml", {400, 415, 422}, id="XML"),
    ],
)
def test_a_body_of_another_kind_is_refused(
    client: httpx2.Client, body: bytes, content_type: str, codes: set[int]
) -> None:
    before = client.get(f"/api/carts/{GUEST}").json()
    refused = sent(client, body, content_type)
    assert refused.status_code in codes
    assert refused.headers["content-type"].startswith(("application/problem+json", "text/plain"))
    assert not INSIDE.search(refused.text)
    assert client.get(f"/api/carts/{GUEST}").json() == before


@pytest.mark.parametrize("path", ["/cart", "/checkout", "/sign-in", "/register", "/sign-out"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"form=&quantity=1", "application/x-www-form-urlencoded"),
        (b"a=1&" * 10_000, "application/x-www-form-urlencoded"),
        (b"%ff%00=%fe", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (good(), JSON),
        (b"\x00" * 100, ""),
    ],
)
def test_a_form_that_is_none_of_ours_is_refused(
    client: httpx2.Client, path: str, body: bytes, content_type: str
) -> None:
    refused = client.post(path, content=body, headers={"content-type": content_type})
    assert 400 <= refused.status_code < 500
    assert not INSIDE.search(refused.text)


@pytest.mark.parametrize("where", ["/search?q={}", "/products/{}", "/categories/{}", "/orders/{}", "/sign-in?to={}"])
@pytest.mark.parametrize("code", [SCRIPT, f'">{SCRIPT}', f"'-{SCRIPT}-'", f"</title>{SCRIPT}", "javascript:alert(1)"])
def test_somebody_elses_code_is_shown_as_text_or_not_at_all(client: httpx2.Client, where: str, code: str) -> None:
    answer = client.get(where.format(httpx2.URL(path=f"/{code}").raw_path.decode()[1:]))
    assert answer.status_code < 500
    assert SCRIPT not in answer.text
    assert 'href="javascript:' not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "code", ["' OR '1'='1", "x'; DROP TABLE products; --", "%' UNION SELECT null --", 'a" OR name:*']
)
def test_somebodys_sql_finds_no_more_than_its_words_do(client: httpx2.Client, code: str) -> None:
    everything = len(client.get("/api/products", params={"page_size": 100}).json()["products"])
    found = client.get("/api/products", params={"q": code, "page_size": 100})
    assert found.status_code in {200, 400, 422}
    assert len(found.json().get("products", ())) < everything
    assert len(client.get("/api/products", params={"page_size": 100}).json()["products"]) == everything
