from pathlib import Path

import pytest

from mesh.local.addresses import addresses_of
from mesh.local.settings import CHECKOUT, WrongSetting, read_settings


def test_nothing_set_means_the_checkout_and_the_users_cache() -> None:
    settings = read_settings({"XDG_CACHE_HOME": "/somewhere"})
    assert settings.state == CHECKOUT / ".argosy"
    assert settings.cache == Path("/somewhere/argosy")
    assert settings.programs is None
    assert settings.instance == 0


def test_paths_are_absolute_whatever_was_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({"ARGOSY_STATE": "here"}).state == tmp_path / "here"


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(WrongSetting) as wrong:
        read_settings({"ARGOSY_PROGRAMS": "/no/such/folder", "ARGOSY_INSTANCE": "ten"})
    assert "ARGOSY_PROGRAMS" in str(wrong.value)
    assert "ARGOSY_INSTANCE" in str(wrong.value)
    assert wrong.value.exit_code == 2


def test_no_two_instances_share_a_port_or_a_network() -> None:
    all_of_them = [addresses_of(instance) for instance in range(10)]
    ports = [port for addresses in all_of_them for port in addresses.ports().values()]
    networks = [network for it in all_of_them for network in (it.pod_network, it.egress_network)]
    assert len(set(ports)) == len(ports)
    assert len(set(networks)) == len(networks)


def test_no_port_is_one_the_kernel_gives_away_by_itself() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < first for instance in range(10) for port in addresses_of(instance).ports().values())


def test_a_running_cluster_is_found_without_saying_its_instance_again(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("3\n")
    assert read_settings({"ARGOSY_STATE": str(tmp_path)}).instance == 3
    assert read_settings({"ARGOSY_STATE": str(tmp_path), "ARGOSY_INSTANCE": "4"}).instance == 4
