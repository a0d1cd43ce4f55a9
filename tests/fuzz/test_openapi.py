"""Whatever is sent to whichever route of the JSON API: an answer as documented, never a confession."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.browser.whole_shop import WholeShop
from tests.fuzz.budget import LONGEST, fuzzed
from tests.fuzz.verdict import INSIDE

pytestmark = [pytest.mark.processes, pytest.mark.timeout(LONGEST)]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
BEST_EFFORT, NOBODY_KNOWS = "/api/products/{product_id}/recommendations", {503, 504}
"""It has 150 ms, which a busy machine may take away; its document says so."""
GUEST = "guest-00000000-0000-4000-8000-000000000001"


def operations(page: str) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for described in schemathesis.openapi.from_url(f"{page}/openapi.json").get_all_operations():
        yield described.ok()  # type: ignore[union-attr]  # the document that FastAPI makes is one


@pytest.fixture(scope="module")
def headers(shop: WholeShop) -> dict[str, str]:
    """Of somebody who has signed in."""
    known = {"email": "medea@example.com", "password": "golden fleece, please"}
    with httpx2.Client(base_url=shop.page) as client:
        client.post("/api/accounts", json=known | {"name": "Medea"}).raise_for_status()
        session = client.post("/api/sessions", json=known).raise_for_status().json()
    return {"Authorization": f"Bearer {session['access_token']}"}


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_request_makes_the_api_confess_a_bug(shop: WholeShop, headers: dict[str, str], mode: GenerationMode) -> None:
    known = {"product_id": "brass-compass", "customer_id": GUEST, "order_id": str(uuid.UUID(int=1))}
    for operation in operations(shop.page):
        if mode is GenerationMode.NEGATIVE and not {"parameters", "requestBody"} & set(operation.definition.raw):
            continue  # there is nothing to do wrong
        there = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
        anywhere = operation.as_strategy(generation_mode=mode, headers=headers)
        somewhere = operation.as_strategy(generation_mode=mode, headers=headers, path_parameters=there)

        @fuzzed
        @hypothesis.given(anywhere | somewhere)
        def answered(case: Case[Any]) -> None:
            response = case.call()
            if case.operation.path == BEST_EFFORT and response.status_code in NOBODY_KNOWS:
                return
            case.validate_response(response, checks=CHECKS)
            assert not INSIDE.search(response.text)

        answered()
