"""What services promise is complete, possible, and on the page; what is not says where and why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from mesh.objectives.__main__ import app
from mesh.objectives.lint import lint
from mesh.objectives.page import PATH, page
from mesh.objectives.reading import CHECKOUT, Objective, ObjectivesInvalid, parse, read, read_files
from mesh.policy.graph import Graph
from mesh.policy.reading import read as read_policies

GET = "/shop.catalog.v1.CatalogService/GetProduct"
CATALOG = yaml.safe_load((CHECKOUT / "services/catalog/objectives.yaml").read_text())


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(read_policies(CHECKOUT))


@pytest.fixture(scope="module")
def committed() -> Mapping[str, Objective]:
    return read()


def written(name: str = "GetProduct", **changes: object) -> str:
    """Catalog's file with one promise changed."""
    methods = CATALOG["methods"] | {name: CATALOG["methods"].get(name, {}) | changes}
    return yaml.safe_dump(CATALOG | {"methods": methods})


def problem(text: str) -> str:
    with pytest.raises(ObjectivesInvalid) as raised:
        parse("objectives.yaml", text)
    [found] = raised.value.problems
    return str(found)


def test_every_rpc_promises_something_that_can_be_kept(committed: Mapping[str, Objective], graph: Graph) -> None:
    assert lint(committed, graph) == []


def test_a_promise_is_read_with_its_units(committed: Mapping[str, Objective]) -> None:
    found = committed[GET]
    assert (found.rpc, found.window, found.p95, found.p99) == ("GetProduct", 30, 0.1, 0.25)
    assert found.budget == pytest.approx(0.001)
    assert found.where.startswith("services/catalog/objectives.yaml:")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (written(availability="100%"), "100% would leave no budget"),
        (written(availability="0.999"), "not a share such as 99.9%"),
        (written(p95="0.1"), "not a time above 0"),
        (written(p95="300ms"), "p95 is longer than p99"),
        (written(p95=None), "p95 and p99 belong together"),
        (written(p50="10ms"), "Extra inputs are not permitted"),
        (written("GetProducts", availability="99%", p95="1s", p99="1s"), "has no RPC GetProducts"),
        (yaml.safe_dump(CATALOG | {"service": "shop.catalog.v1.Nobody"}), "no contract declares"),
        (yaml.safe_dump(CATALOG | {"window": "month"}), "not a number of days"),
        (written(p95=None, p99=None), "GetProduct promises no p95 and p99"),
        ("service: a\nservice: b\n", "service is written twice"),
        ("service: [", "expected the node content"),
    ],
)
def test_what_is_no_promise_is_refused_with_its_reason(text: str, why: str) -> None:
    assert why in problem(text)
    assert problem(text).startswith("objectives.yaml:")


def test_a_stream_cannot_promise_how_long_it_lasts() -> None:
    file = yaml.safe_load((CHECKOUT / "services/orders/objectives.yaml").read_text())
    file["methods"]["WatchOrder"] |= {"p95": "1s", "p99": "2s"}
    assert "WatchOrder is a stream" in problem(yaml.safe_dump(file))


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(written(availability="100%"))
    other.write_text(written(p95="soon"))
    with pytest.raises(ObjectivesInvalid) as raised:
        read_files([one, other, tmp_path / "none.yaml"])
    assert len(raised.value.problems) == 3


def test_an_rpc_that_promises_nothing_is_found(committed: Mapping[str, Objective], graph: Graph) -> None:
    [finding] = lint({path: one for path, one in committed.items() if path != GET}, graph)
    assert finding.rule == "promised"
    assert "catalog.GetProduct promises nothing" in finding.problem


def test_a_promise_later_than_the_deadline_is_found(committed: Mapping[str, Objective], graph: Graph) -> None:
    [finding] = lint({**committed, GET: replace(committed[GET], p99=1.5)}, graph)
    assert finding.rule == "in-time"
    assert "p99 1.5 s, and its deadline is 1.5 s" in finding.problem


def test_two_rpcs_of_one_name_could_not_be_told_apart(committed: Mapping[str, Objective], graph: Graph) -> None:
    other = replace(committed[GET], path="/shop.cart.v1.CartService/GetProduct")
    assert {finding.rule for finding in lint({**committed, other.path: other}, graph)} == {"one-name"}


def test_the_page_shows_every_promise(committed: Mapping[str, Objective]) -> None:
    text = page(committed)
    assert "| `catalog.GetProduct` | 99.9 % | 100 ms | 250 ms | 1 000 |" in text
    assert "| `orders.WatchOrder` | 99.5 % | - | - | 5 000 |" in text
    assert text.count("\n| `") == len(committed)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files alone, without the page."""
    for file in [*CHECKOUT.glob("services/*/policy.yaml"), *CHECKOUT.glob("services/*/objectives.yaml")]:
        (tmp_path / file.relative_to(CHECKOUT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / file.relative_to(CHECKOUT))
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_check_ends_with_1_until_the_page_says_what_the_files_do(checkout: Path) -> None:
    root = str(checkout)
    assert typed("check", "--root", root).exit_code == 1
    assert typed("generate", "--root", root).exit_code == 0
    assert typed("check", "--root", root).exit_code == 0
    (checkout / PATH).write_text("something else")
    assert typed("check", "--root", root).exit_code == 1


def test_nothing_is_generated_from_what_is_refused(checkout: Path) -> None:
    (checkout / "services/catalog/objectives.yaml").write_text(written(p99="1500ms"))
    refused = typed("generate", "--root", str(checkout))
    assert refused.exit_code == 1
    assert "[in-time]" in refused.stderr
    assert not (checkout / PATH).exists()


def test_files_that_cannot_be_read_end_with_2(checkout: Path) -> None:
    (checkout / "services/catalog/objectives.yaml").write_text("service: [")
    assert typed("check", "--root", str(checkout)).exit_code == 2


def test_the_committed_page_is_what_the_files_say() -> None:
    assert typed("check").exit_code == 0
