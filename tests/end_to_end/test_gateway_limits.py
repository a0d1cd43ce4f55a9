"""The gateway lets in what the shop can bear: methods, sizes, and so many calls of each client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from grpc import StatusCode

from tests.end_to_end.at_the_gateway import browser, rpc, status
from tests.end_to_end.conftest import argosy, eventually, kubectl
from tests.end_to_end.signing import OPEN

pytestmark = pytest.mark.usefixtures("cluster")

MEBIBYTE = 2**20
KEYS = "/.well-known/jwks.json"
LOGIN = "/shop.users.v1.UsersService/Login"
BUCKETS = "/spec/configPatches/0/patch/value/typed_config/descriptors"
ONE_MACHINE = pytest.mark.local_only("clients with addresses of their own")


def known_to_the_gateway(word: str) -> bool:
    """Whether the gateway's Envoy has heard of it."""
    (pod,) = kubectl("get", "pod", "-l", "istio=gateway", "-o", "jsonpath={.items[*].metadata.name}").out.split()
    return word in argosy("istioctl", "proxy-config", "listeners", f"{pod}.shop", "-o", "json").out


@contextmanager
def limited_to(calls: int, descriptor: int) -> Iterator[None]:
    """A bucket of so many calls for each client, which is not filled again while a test runs."""
    seconds = f"{7000 + calls}s"
    before = json.loads(kubectl("get", "envoyfilter", "gateway-rates", "-o", "json").out)
    bucket = before["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]["descriptors"][descriptor]
    tight = {"max_tokens": calls, "tokens_per_fill": 1, "fill_interval": seconds}
    _set(descriptor, tight)
    try:
        eventually("limited", lambda: known_to_the_gateway(seconds), wanted=True)
        yield
    finally:
        _set(descriptor, bucket["token_bucket"])
        eventually("as before", lambda: known_to_the_gateway(seconds), wanted=False)


def _set(descriptor: int, bucket: dict[str, Any]) -> None:
    patch = [{"op": "replace", "path": f"{BUCKETS}/{descriptor}/token_bucket", "value": bucket}]
    done = kubectl("patch", "envoyfilter", "gateway-rates", "--type=json", "-p", json.dumps(patch))
    assert done.code == 0, done.err


def answers(gateway: str, address: str, calls: int, path: str = KEYS, method: str = "GET") -> list[int]:
    with browser(gateway, address) as page:
        return [status(page, method, path) for _ in range(calls)]


@ONE_MACHINE
def test_the_1001st_call_of_a_client_is_refused_and_others_pass(gateway: str) -> None:
    with limited_to(1000, descriptor=0):
        assert answers(gateway, "127.0.0.21", 1002) == [200] * 1000 + [429] * 2
        assert answers(gateway, "127.0.0.22", 1) == [200]
        # Whoever speaks gRPC is told what a client of gRPC understands: wait.
        assert 429 in answers(gateway, "127.0.0.1", 1001)
        assert rpc(gateway, OPEN).code is StatusCode.RESOURCE_EXHAUSTED


@ONE_MACHINE
def test_with_the_limit_of_a_machine_that_makes_all_the_load_they_pass(gateway: str) -> None:
    assert answers(gateway, "127.0.0.23", 1002) == [200] * 1002
    assert rpc(gateway, OPEN).code is StatusCode.OK


@ONE_MACHINE
def test_passwords_cannot_be_tried_out_and_everything_else_goes_on(gateway: str) -> None:
    with limited_to(30, descriptor=1):
        tried = answers(gateway, "127.0.0.24", 31, "/sign-in", "POST")
        assert (tried.count(429), tried[-1]) == (1, 429)
        assert answers(gateway, "127.0.0.24", 1) == [200]
        codes = [rpc(gateway, LOGIN).code for _ in range(31)]
        assert codes == [StatusCode.INVALID_ARGUMENT] * 30 + [StatusCode.RESOURCE_EXHAUSTED]
        assert rpc(gateway, OPEN).code is StatusCode.OK


@ONE_MACHINE
def test_nobody_gets_another_bucket_by_saying_who_he_is(gateway: str) -> None:
    with limited_to(30, descriptor=1), browser(gateway, "127.0.0.25") as page:
        seen = [status(page, "POST", "/sign-in", {"x-forwarded-for": f"192.0.2.{host}"}) for host in range(31)]
    assert seen[-1] == 429


def test_what_is_bigger_than_a_mebibyte_is_refused_before_anybody_hears_of_it(gateway: str) -> None:
    # Five bytes in front say how long a message of gRPC is.
    too_big = rpc(gateway, OPEN, bytes(MEBIBYTE - 4))
    assert (too_big.code, too_big.pod) == (StatusCode.RESOURCE_EXHAUSTED, "")
    fitting = rpc(gateway, OPEN, bytes(MEBIBYTE - 5))
    assert fitting.pod.startswith("catalog-"), fitting
    with browser(gateway) as page:
        page.request("POST", "/cart", bytes(MEBIBYTE + 1))
        with page.getresponse() as response:
            assert (response.status, response.headers["x-envoy-upstream-service-time"]) == (413, None)


def test_without_the_limit_it_would_come_to_a_service(gateway: str) -> None:
    delivered = kubectl("get", "envoyfilter", "gateway-sizes", "-o", "json").out
    assert kubectl("delete", "envoyfilter", "gateway-sizes").code == 0
    try:
        eventually("let in", lambda: bool(rpc(gateway, OPEN, bytes(MEBIBYTE)).pod), wanted=True)
    finally:
        assert kubectl("create", "-f", "-", stdin=delivered).code == 0
    eventually("kept out", lambda: bool(rpc(gateway, OPEN, bytes(MEBIBYTE)).pod), wanted=False)


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_what_no_page_knows_is_no_method_at_the_gateway(gateway: str, method: str) -> None:
    with browser(gateway) as page:
        assert status(page, method, "/") in {400, 403}  # Envoy has no TRACE at all
        assert status(page, "GET", "/") == 200


def test_a_browser_speaks_grpc_too(gateway: str) -> None:
    no_message = bytes(5)
    with browser(gateway) as page:
        page.request("POST", OPEN, no_message, {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"})
        with page.getresponse() as response:
            body = response.read()
    assert (response.status, response.headers["content-type"]) == (200, "application/grpc-web+proto")
    assert b"grpc-status:0" in body  # the trailers, as a message of their own
