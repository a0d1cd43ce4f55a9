import re
from pathlib import Path

import pytest

from mesh.local.addresses import Addresses, addresses_of
from mesh.local.belongings import CLUSTER_MARK, PART_MARK
from mesh.local.control_plane import ControlPlane
from mesh.local.lifecycle import STOPS_WITHIN
from mesh.local.part import Part, dump_plan, load_plan, stop_order
from mesh.local.pki import Credentials
from mesh.local.state_folder import StateFolder

STATE = Path("/state")


@pytest.fixture
def control_plane() -> ControlPlane:
    return made_with(Addresses())


def made_with(addresses: Addresses) -> ControlPlane:
    return ControlPlane(
        programs=Path("/programs"),
        crds=Path("/programs/crds.yaml"),
        python=Path("/venv/bin/python"),
        checkout=Path("/checkout"),
        folder=StateFolder(STATE),
        credentials=Credentials(STATE / "credentials"),
        addresses=addresses,
        inherited={"PATH": "/bin"},
    )


def named(control_plane: ControlPlane) -> dict[str, Part]:
    return {part.name: part for part in control_plane.plan().parts}


def test_the_parts_may_all_take_their_grace_before_down_ends_them_by_force(control_plane: ControlPlane) -> None:
    graces = [max(part.stop_grace for part in group) for group in stop_order(control_plane.plan().parts)]
    assert len(graces) > 1
    assert sum(graces) < STOPS_WITHIN


def test_everything_listens_on_loopback_only(control_plane: ControlPlane) -> None:
    for part in control_plane.plan().parts:
        for address in re.findall(r"\d+\.\d+\.\d+\.\d+(?!/)", " ".join(part.argv).replace("10.96.0.0/16", "")):
            assert address == "127.0.0.1", part.name
    assert "--grpcAddr=" in named(control_plane)["istiod"].argv  # istiod's plaintext xDS


def test_a_part_is_stopped_before_what_it_needs(control_plane: ControlPlane) -> None:
    groups = [{part.name for part in group} for group in stop_order(control_plane.plan().parts)]
    assert groups[-2:] == [{"kube-apiserver"}, {"etcd"}]
    assert {"node", "istiod", "kube-controller-manager"} <= groups[0]


def test_whoever_needs_rights_starts_after_they_are_given(control_plane: ControlPlane) -> None:
    parts = named(control_plane)
    assert parts["istiod"].starts_after == parts["node"].starts_after == ("objects",)
    assert parts["objects"].once


def test_every_part_carries_its_mark_and_only_what_it_may_inherit(control_plane: ControlPlane) -> None:
    for part in control_plane.plan().parts:
        assert part.env[CLUSTER_MARK] == str(STATE)
        assert part.env[PART_MARK] == part.name
        assert part.env["PATH"] == "/bin"


def test_no_secret_stands_on_a_command_line(control_plane: ControlPlane) -> None:
    for part in control_plane.plan().parts:
        for argument in part.argv:
            assert not re.search(r"BEGIN|password|--token=", argument)


def test_nobody_is_let_in_without_a_name(control_plane: ControlPlane) -> None:
    parts = named(control_plane)
    assert {"--anonymous-auth=false", "--authorization-mode=RBAC"} <= set(parts["kube-apiserver"].argv)
    assert {"--client-cert-auth", "--peer-client-cert-auth"} <= set(parts["etcd"].argv)


def test_two_instances_have_no_address_in_common() -> None:
    first, second = (
        {address for part in made_with(addresses_of(number)).plan().parts for address in _addresses(part)}
        for number in (0, 1)
    )
    assert first
    assert first.isdisjoint(second)


def test_the_supervisor_reads_the_plan_that_was_written(control_plane: ControlPlane, tmp_path: Path) -> None:
    plan = control_plane.plan()
    file = tmp_path / "plan.json"
    file.write_text(dump_plan(plan))
    assert load_plan(file) == plan


def _addresses(part: Part) -> list[str]:
    return re.findall(r"127\.0\.0\.1:\d+|--secure-port=\d+", " ".join(part.argv))
