"""What is committed is what the policies come to, and writing it is careful."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mesh.policy.graph import Graph
from mesh.policy.reading import read
from mesh.policy.writing import HEADER, Drift, drift, files, write
from mesh.policy.yaml_text import Because, text
from tests.policy.policies import CHECKOUT, committed, graph


def test_the_committed_files_are_what_the_policies_come_to() -> None:
    assert drift(CHECKOUT, files(committed())) == []


def test_generating_twice_gives_the_same() -> None:
    assert files(Graph(read(CHECKOUT))) == files(Graph(read(CHECKOUT)))


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({"methods.Charge.deadline": "3500ms"}, {"services/orders/policy.py", "services/payments/policy.py"}),
        ({"mesh.per_try": "700ms"}, {"k8s/components/istio/payments/virtual-service-mesh.yaml"}),
        ({"mesh.max_requests": 500}, {"k8s/components/istio/payments/destination-rule.yaml"}),
        ({"methods.Charge.fault_injection": False}, set()),
    ],
)
def test_a_change_reaches_the_files_it_is_about_and_the_page(change: dict[str, object], touched: set[str]) -> None:
    found = drift(CHECKOUT, files(graph(payments=change)))
    always = {"docs/resilience-table.md"} if "mesh.max_requests" not in change else set()
    assert {one.path for one in found} == touched | always


def test_every_generated_file_says_so() -> None:
    for path, content in files(committed()).items():
        assert HEADER in "".join(content.splitlines(keepends=True)[:4]), path


def test_generated_python_is_formatted_and_linted(tmp_path: Path) -> None:
    write(tmp_path, files(committed()))
    ruff = [str(Path(sys.executable).parent / "ruff")]
    configured = ["--config", str(CHECKOUT / "pyproject.toml"), str(tmp_path)]
    for command in (["format", "--check"], ["check", "--ignore", "INP001"]):
        done = subprocess.run([*ruff, *command, *configured], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", committed().documents)
def test_generated_python_is_what_the_policies_come_to(service: str) -> None:
    made: dict[str, object] = {}
    exec(files(committed()).get(f"services/{service}/policy.py", ""), made)  # noqa: S102 - our own
    assert made.get("PEERS", {}) == committed().peers(service)
    if service in committed().services:
        assert made["SERVER"] == committed().server(service)


def test_generated_python_says_once_what_is_the_same_for_all() -> None:
    operator, orders = (files(committed())[f"services/{name}/policy.py"] for name in ("operator", "orders"))
    assert operator.count("PeerPolicy(\n") == 1  # of four services
    assert orders.count('group="write"') == 1  # of three methods of inventory
    assert orders.count('group="refund"') == 2  # payments has another beside them


def test_only_what_differs_is_written_and_nothing_is_left_beside(tmp_path: Path) -> None:
    expected = files(committed())
    assert {one.kind for one in write(tmp_path, expected)} == {"missing"}
    one, *others = [tmp_path / path for path in expected]
    before = {file: file.stat().st_ino for file in others}
    one.write_text("drifted")
    assert write(tmp_path, expected) == [Drift(next(iter(expected)), "differs")]
    assert {file: file.stat().st_ino for file in others} == before
    assert write(tmp_path, expected) == []
    assert sum(1 for path in tmp_path.rglob("*") if path.is_file()) == len(expected)


def test_what_nobody_generates_any_more_is_removed_and_what_people_wrote_is_not(tmp_path: Path) -> None:
    expected = files(committed())
    write(tmp_path, expected)
    left_over = tmp_path / "k8s/components/istio/shipping/virtual-service.yaml"
    left_over.parent.mkdir()
    left_over.write_text(f"# {HEADER}\nkind: VirtualService\n")
    (left_over.parent / "gateway.yaml").write_text("kind: Gateway\n")
    assert drift(tmp_path, expected) == [Drift("k8s/components/istio/shipping/virtual-service.yaml", "left over")]
    write(tmp_path, expected)
    assert not left_over.exists()
    assert (left_over.parent / "gateway.yaml").exists()


def test_a_manifest_gives_its_reason_beside_the_value() -> None:
    document = {
        "a": {"b": Because(3, "three is enough")},
        "hosts": ["*"],
        "paths": ["/x/Y", "/x/Z"],
        "on": [{"k": "1"}],
    }
    assert text("why\nthis", document) == (
        '# why\n# this\na:\n  b: 3 # three is enough\nhosts: ["*"]\npaths:\n- /x/Y\n- /x/Z\non:\n- k: "1"\n'
    )
