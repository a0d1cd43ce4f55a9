"""A token says who a customer is, at the edge and in front of every service; nothing else does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest
from grpc import StatusCode
from shop.catalog.v1 import catalog_pb2
from shop.orders.v1 import orders_pb2

from mesh.running_shop import Shop
from services.hosting.customer import CUSTOMER_HEADER, ROLE_HEADER
from tests.end_to_end import inside
from tests.end_to_end.at_the_gateway import bearer, browser, rpc, status
from tests.end_to_end.conftest import eventually, kubectl
from tests.end_to_end.signing import OPEN, Signer, believed
from tests.k8s.callers import SHOWN
from tests.users.forging import content, part

CATALOG, ORDERS = "/shop.catalog.v1.CatalogService", "/shop.orders.v1.OrdersService"
UPDATE, LIST = f"{CATALOG}/UpdateProduct", f"{ORDERS}/ListOrders"
SOMEBODY = "user-11111111-2222-4333-8444-555555555555"
ALL_OF_SOMEBODYS = orders_pb2.ListOrdersRequest(customer_id=SOMEBODY).SerializeToString()
AS_SOMEBODY = {CUSTOMER_HEADER: SOMEBODY, ROLE_HEADER: "admin"}


@pytest.fixture
def signer(gateway: str) -> Iterator[Signer]:
    signer = Signer()
    with believed(signer, gateway):
        yield signer


def that_do_not_hold(signer: Signer) -> Mapping[str, str]:
    """Tokens that are wrong in one way each."""
    now = int(time.time())
    true = signer.token(role="admin")
    header, claims, signature = true.split(".")
    return {
        "forged": Signer().token(role="admin"),
        "of an unknown key": Signer(kid="unknown").token(),
        "expired": signer.token(exp=now - 120),
        "not yet": signer.token(nbf=now + 3600),
        "no algorithm": f"{part({'alg': 'none', 'kid': signer.kid})}.{claims}.",
        "no signature": f"{header}.{claims}.",
        "other claims": f"{header}.{part(content(true) | {'sub': SOMEBODY})}.{signature}",
        "another audience": signer.token(aud="bank"),
        "another issuer": signer.token(iss="bank"),
        "no token": "a.b.c",
    }


def test_a_token_that_does_not_hold_is_refused_at_the_edge_whatever_it_is_for(gateway: str, signer: Signer) -> None:
    wrong = that_do_not_hold(signer)
    answers = {name: rpc(gateway, OPEN, metadata=bearer(token)) for name, token in wrong.items()}
    assert {name: answer.code for name, answer in answers.items()} == dict.fromkeys(wrong, StatusCode.UNAUTHENTICATED)
    assert {answer.pod for answer in answers.values()} == {""}
    with browser(gateway) as page:
        seen = {name: status(page, "GET", "/", bearer(token)) for name, token in wrong.items()}
        assert seen == dict.fromkeys(wrong, 401)
        assert status(page, "GET", "/", bearer(signer.token())) == 200
    assert rpc(gateway, OPEN, metadata=bearer(signer.token())).code is StatusCode.OK


def test_without_a_token_nobody_gets_as_far_as_what_asks_for_one(gateway: str, cluster: None) -> None:
    answers = {path: rpc(gateway, path) for path in SHOWN}
    assert {path: (answer.code, answer.pod) for path, answer in answers.items()} == dict.fromkeys(
        SHOWN, (StatusCode.UNAUTHENTICATED, "")
    )


def test_a_token_in_the_address_is_none(gateway: str, signer: Signer) -> None:
    with browser(gateway) as page:
        # It would be written into logs; if it were looked at, this one would be refused.
        assert status(page, "GET", f"/?access_token={Signer().token()}") == 200


def test_a_customer_changes_no_product_and_an_admin_does(gateway: str, signer: Signer) -> None:
    first = catalog_pb2.ListProductsResponse.FromString(
        rpc(gateway, f"{CATALOG}/ListProducts", catalog_pb2.ListProductsRequest(page_size=1).SerializeToString()).body
    ).products[0]
    unchanged = catalog_pb2.UpdateProductRequest(product=first).SerializeToString()
    refused = rpc(gateway, UPDATE, unchanged, bearer(signer.token()))
    assert (refused.code, refused.pod) == (StatusCode.PERMISSION_DENIED, "")
    done = rpc(gateway, UPDATE, unchanged, bearer(signer.token(role="admin")))
    assert done.code is StatusCode.OK, done.details
    assert done.pod.startswith("catalog-")


def test_nobody_says_himself_who_he_is(gateway: str, signer: Signer) -> None:
    owner, other = signer.token(sub=SOMEBODY), signer.token(sub="user-another")

    def answer(metadata: Mapping[str, str]) -> StatusCode:
        return rpc(gateway, LIST, ALL_OF_SOMEBODYS, metadata).code

    assert answer(bearer(owner)) is StatusCode.OK
    assert answer(AS_SOMEBODY) is StatusCode.PERMISSION_DENIED
    assert answer({**AS_SOMEBODY, **bearer(other)}) is StatusCode.PERMISSION_DENIED


def test_without_the_meshs_authentication_everybody_would_be_believed(gateway: str, cluster: None) -> None:
    delivered = kubectl("get", "requestauthentication", "customers", "-o", "json").out

    def answer() -> StatusCode:
        return rpc(gateway, LIST, ALL_OF_SOMEBODYS, AS_SOMEBODY).code

    assert kubectl("delete", "requestauthentication", "customers").code == 0
    try:
        eventually("believed", answer, StatusCode.OK)
    finally:
        assert kubectl("create", "-f", "-", stdin=delivered).code == 0
    eventually("not believed", answer, StatusCode.PERMISSION_DENIED)


async def test_a_sidecar_refuses_what_the_gateway_would_have(shop: Shop, signer: Signer) -> None:
    catalog: dict[str, object] = {"target": "catalog:50051", "path": UPDATE}
    asked: dict[str, object] = {"target": "orders:50051", "path": LIST, "body": ALL_OF_SOMEBODYS.hex()}
    wrong = that_do_not_hold(signer)
    calls = {
        **{name: {**catalog, "metadata": bearer(token)} for name, token in wrong.items()},
        "none": catalog,
        "a customer's": {**catalog, "metadata": bearer(signer.token())},
        "a customer's, and a header": {**catalog, "metadata": {**bearer(signer.token()), ROLE_HEADER: "admin"}},
        "an admin's": {**catalog, "metadata": bearer(signer.token(role="admin"))},
        "a header": {**asked, "metadata": AS_SOMEBODY},
        "somebody's": {**asked, "metadata": bearer(signer.token(sub=SOMEBODY))},
    }
    said = inside.answers(await shop.run_once("as-storefront", "storefront", inside.command(calls)))
    assert said == {
        **dict.fromkeys(wrong, "UNAUTHENTICATED"),
        "another audience": "PERMISSION_DENIED",  # Envoy's word for it; the gateway puts ours in its place
        "none": "PERMISSION_DENIED",
        "a customer's": "PERMISSION_DENIED",
        "a customer's, and a header": "PERMISSION_DENIED",
        "an admin's": "INVALID_ARGUMENT",  # the service's own word: there is no product in the request
        "a header": "PERMISSION_DENIED",
        "somebody's": "OK",
    }
