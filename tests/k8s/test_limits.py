"""What the gateway counts, lets in and refuses is what the shop has: paths, methods, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from services.storefront import api
from services.storefront.application import PAGES
from tests.k8s.callers import METHODS
from tests.k8s.manifests import Manifests, Object, seconds


def routes() -> set[tuple[str, str]]:
    """Methods and paths of the pages and of the JSON API, as OpenAPI would tell them."""
    app = FastAPI()
    for page in PAGES:
        app.include_router(page.router)
    app.include_router(api.router, prefix="/api")
    return {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}


USERS = "/shop.users.v1.UsersService/"
PASSWORDS = {
    *(USERS + name for name in ("Login", "Register", "Refresh", "ChangePassword")),
    *("/sign-in", "/register", "/account/password", "/api/accounts", "/api/sessions", "/api/sessions/refresh"),
}
"""Where a password, or what is as good as one, can be tried out."""


def limiter(manifests: Manifests) -> Object:
    (patch,) = manifests.named("EnvoyFilter", "gateway-rates")["spec"]["configPatches"]
    config: Object = patch["patch"]["value"]["typed_config"]
    return config


def counted_as_passwords(manifests: Manifests) -> re.Pattern[str]:
    """The paths for the strict bucket; Envoy matches them whole."""
    _, strict = limiter(manifests)["rate_limits"]
    headers = {one["name"]: one["string_match"] for one in strict["actions"][0]["header_value_match"]["headers"]}
    assert headers[":method"] == {"exact": "POST"}
    return re.compile(headers[":path"]["safe_regex"]["regex"])


def test_passwords_are_tried_out_at_the_paths_that_are_counted_and_no_others(shop: Manifests) -> None:
    known = {*METHODS, *(path for method, path in routes() if method == "POST")}
    pattern = counted_as_passwords(shop)
    assert {path for path in known if pattern.fullmatch(path)} == PASSWORDS
    assert pattern.fullmatch("/sign-in?next=%2Fcart")
    assert not pattern.fullmatch("/sign-in-elsewhere")


def test_the_gateway_lets_in_the_methods_that_there_are(shop: Manifests) -> None:
    (rule,) = shop.named("AuthorizationPolicy", "gateway")["spec"]["rules"]
    assert set(rule["to"][0]["operation"]["methods"]) == {"HEAD", "POST", *(method for method, _ in routes())}


def buckets(manifests: Manifests) -> Iterator[tuple[list[Any], Object]]:
    for one in limiter(manifests)["descriptors"]:
        yield [(entry["key"], entry.get("value")) for entry in one["entries"]], one["token_bucket"]


def test_every_address_has_a_bucket_of_its_own_and_a_smaller_one_for_passwords(overlay: Manifests) -> None:
    (all_calls, many), (tried, few) = buckets(overlay)
    assert all_calls == [("remote_address", None)]
    assert tried == [("header_match", "password"), ("remote_address", None)]
    assert few["max_tokens"] < many["max_tokens"]
    assert limiter(overlay)["rate_limited_as_resource_exhausted"] is True
    # Envoy leaves a filter off that does not say for how many of the calls it is on.
    assert all(
        limiter(overlay)[key] == {"default_value": {"numerator": 100}} for key in ("filter_enabled", "filter_enforced")
    )


def test_customers_get_a_hundred_calls_a_second_and_a_machine_that_makes_load_gets_all_it_wants(
    production: Manifests, kind: Manifests, shop: Manifests
) -> None:
    def per_second(manifests: Manifests) -> list[float]:
        return [bucket["tokens_per_fill"] / seconds(bucket["fill_interval"]) for _, bucket in buckets(manifests)]

    assert per_second(production) == [100, 0.5]
    assert per_second(kind) == per_second(shop) == [10_000, 50]


def test_envoy_fills_buckets_in_steps_of_the_first_ones(overlay: Manifests) -> None:
    step = seconds(limiter(overlay)["token_bucket"]["fill_interval"])
    assert all(seconds(bucket["fill_interval"]) % step == 0 for _, bucket in buckets(overlay))


def test_who_calls_too_often_is_refused_before_anything_is_read_or_verified(overlay: Manifests) -> None:
    order = {one["metadata"]["name"]: one["spec"].get("priority", 0) for one in overlay.of("EnvoyFilter")}
    assert max(order, key=lambda name: order[name]) == "gateway-rates"  # each is put in front of those before it
    assert order["gateway-sizes"] > order["gateway-grpc-web"]


def test_every_filter_is_the_gateways(overlay: Manifests) -> None:
    for one in overlay.of("EnvoyFilter"):
        assert one["spec"]["workloadSelector"] == {"labels": {"istio": "gateway"}}
        assert {patch["match"]["context"] for patch in one["spec"]["configPatches"]} == {"GATEWAY"}
