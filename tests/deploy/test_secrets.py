"""Development secrets are made where they are missing, agree with each other, and stay as they are."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from mesh.deploy.secrets import as_manifests, decoded, missing

ASKED = {"orders-database": {"url"}, "catalog-database": {"url"}, "postgresql-passwords": {"postgres"}}


def drawing() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"drawn-{next(numbers)}"


def test_every_role_gets_a_password_and_every_service_the_url_with_its_own() -> None:
    assert missing(ASKED, {}, drawing()) == {
        "postgresql-passwords": {"catalog": "drawn-1", "orders": "drawn-2", "postgres": "drawn-3"},
        "catalog-database": {"url": "postgresql+psycopg://catalog:drawn-1@postgresql:5432/catalog"},
        "orders-database": {"url": "postgresql+psycopg://orders:drawn-2@postgresql:5432/orders"},
    }


def test_what_is_there_stays_and_a_new_service_is_added_to_it() -> None:
    all_there = missing(ASKED, {}, drawing())
    assert missing(ASKED, all_there, drawing()) == {}
    made = missing(ASKED | {"users-database": {"url"}}, all_there, drawing())
    assert made == {
        "postgresql-passwords": {**all_there["postgresql-passwords"], "users": "drawn-1"},
        "users-database": {"url": "postgresql+psycopg://users:drawn-1@postgresql:5432/users"},
    }


def test_a_lost_url_is_made_again_with_the_password_that_is_known() -> None:
    kept = {"postgresql-passwords": {"catalog": "old", "orders": "older", "postgres": "oldest"}}
    assert missing({"catalog-database": {"url"}}, kept, drawing())["catalog-database"]["url"].count(":old@") == 1


def test_where_nobody_asks_nothing_is_made() -> None:
    assert missing({"gateway-tls": set()}, {}, drawing()) == {}


def test_what_is_applied_is_what_is_read_again() -> None:
    made = missing(ASKED, {}, drawing())
    assert decoded(as_manifests(made, "shop")) == made
