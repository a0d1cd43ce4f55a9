"""`python -m mesh.policy`: the exit code is the answer, and --json is for programs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mesh.policy.__main__ import app
from tests.policy.policies import CHECKOUT


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The policies alone, before anything was generated."""
    for file in CHECKOUT.glob("services/*/policy.yaml"):
        (tmp_path / "services" / file.parent.name).mkdir(parents=True)
        shutil.copy(file, tmp_path / "services" / file.parent.name)
    return tmp_path


def replace(checkout: Path, service: str, old: str, new: str) -> None:
    file = checkout / "services" / service / "policy.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def test_check_ends_with_1_until_generate_has_run(checkout: Path) -> None:
    before = typed("check", "--root", str(checkout))
    assert before.exit_code == 1
    assert "services/orders/policy.py: missing" in before.stderr
    assert typed("generate", "--root", str(checkout)).exit_code == 0
    assert typed("check", "--root", str(checkout)).exit_code == 0


def test_generate_tells_what_it_changed(checkout: Path) -> None:
    first = json.loads(typed("generate", "--root", str(checkout), "--json").stdout)
    assert {"path": "services/orders/policy.py", "kind": "missing"} in first["changed"]
    assert json.loads(typed("generate", "--root", str(checkout), "--json").stdout) == {"changed": []}


def test_generate_writes_nothing_that_lint_refuses(checkout: Path) -> None:
    replace(checkout, "orders", "deadline: 4s", "deadline: 2s")
    done = typed("generate", "--root", str(checkout))
    assert done.exit_code == 1
    assert "services/orders/policy.yaml" in done.stderr
    assert "[deadline-below-its-calls]" in done.stderr
    assert not (checkout / "services/orders/policy.py").exists()


@pytest.mark.parametrize("command", ["generate", "check", "lint"])
def test_policies_that_cannot_be_read_end_with_2_and_all_errors(checkout: Path, command: str) -> None:
    replace(checkout, "orders", "deadline: 4s", "deadline: soon")
    replace(checkout, "catalog", "replicas: 1..4", "replicas: many")
    done = typed(command, "--root", str(checkout), "--json")
    assert done.exit_code == 2
    assert len(json.loads(done.stdout)["problems"]) == 2


def test_lint_ends_with_1_and_tells_where(checkout: Path) -> None:
    assert typed("lint", "--no-manifests", "--root", str(checkout)).exit_code == 0
    replace(checkout, "payments", "ratio: 0.1", "ratio: 0.5")
    done = typed("lint", "--no-manifests", "--root", str(checkout), "--json")
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["rule"] == "budget"
    assert finding["where"].startswith("services/payments/policy.yaml:")


OVERLAY = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: catalog
spec:
  hosts: [catalog]
  http:
  - fault: {abort: {percentage: {value: 30}, grpcStatus: UNAVAILABLE}}
    retries: {attempts: 1}
    route: [{destination: {host: catalog}}]
"""


def test_lint_judges_what_the_overlays_come_to(checkout: Path) -> None:
    overlay = checkout / "k8s" / "overlays" / "chaos"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text("resources: [virtual-service.yaml]\n")
    assert typed("lint", "--root", str(checkout)).exit_code == 2  # does not build
    (overlay / "virtual-service.yaml").write_text(OVERLAY)
    done = typed("lint", "--root", str(checkout), "--json")
    assert done.exit_code == 1
    found = {(finding["rule"], finding["where"]) for finding in json.loads(done.stdout)["findings"]}
    assert found == {("fault-and-retry", "k8s/overlays/chaos"), ("retries-without-budget", "k8s/overlays/chaos")}


def test_help_names_the_exit_codes_and_gives_examples() -> None:
    assert "Exit codes" in typed("--help").stdout
    for command in ("generate", "check", "lint"):
        assert f"python -m mesh.policy {command}" in typed(command, "--help").stdout
