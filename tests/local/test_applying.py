from pathlib import Path

import pytest

from mesh.local.applying import Kubectl, TookTooLong, move_port

MANIFESTS = """\
ports:
- containerPort: 8080
- "8080"
- 18080
number: 8080
url: http://somewhere:8080/path
"""


def test_only_values_that_are_the_port_move() -> None:
    assert move_port(MANIFESTS, 8080, 8180).splitlines() == [
        "ports:",
        "- containerPort: 8180",
        '- "8180"',
        "- 18080",
        "number: 8180",
        "url: http://somewhere:8080/path",
    ]


def test_the_first_instance_applies_what_is_written() -> None:
    assert move_port(MANIFESTS, 8080, 8080) == MANIFESTS


def test_a_kubectl_that_the_api_never_answers_is_given_up(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    with pytest.raises(TookTooLong) as given_up:
        Kubectl(program, tmp_path / "kubeconfig").apply("kind: Pod", within=0.1)
    assert given_up.value.command == "apply"
    assert given_up.value.exit_code == 8
