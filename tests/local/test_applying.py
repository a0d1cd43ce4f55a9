from pathlib import Path

import pytest

from mesh.local.applying import Kubectl, TookTooLong, move_gateway


def an_object(kind: str, name: str, **spec: object) -> dict[str, object]:
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def test_only_the_gateways_own_port_moves() -> None:
    gateway = an_object("Gateway", "gateway", ports=[{"number": 8080}, "8080", 18080, "http://somewhere:8080/path"])
    keys = an_object("Service", "users", ports=[{"port": 8080}])
    routes = an_object("VirtualService", "gateway", port={"number": 8080})  # to somebody else's
    moved = an_object("Gateway", "gateway", ports=[{"number": 8180}, "8180", 18080, "http://somewhere:8080/path"])
    assert list(move_gateway([gateway, keys, routes], 8080, 8180)) == [moved, keys, routes]


def test_the_first_instance_applies_what_is_written() -> None:
    written = an_object("Gateway", "gateway", ports=[{"number": 8080}, "8080"])
    assert list(move_gateway([written], 8080, 8080)) == [written]


def test_a_kubectl_that_the_api_never_answers_is_given_up(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    with pytest.raises(TookTooLong) as given_up:
        Kubectl(program, tmp_path / "kubeconfig").apply("kind: Pod", within=0.1)
    assert given_up.value.command == "apply"
    assert given_up.value.exit_code == 8
