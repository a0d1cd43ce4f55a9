"""Settings come from the environment, all problems at once, and secrets are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, FilePath
from pydantic.dataclasses import dataclass

from services.hosting.settings import HostSettings, SettingsWrong, read_settings, settings_or_exit


@dataclass(frozen=True, kw_only=True)
class ShipSettings(HostSettings):
    service_name: str = "ship"
    harbour: str
    crew: int = 50
    chart: FilePath | None = None
    anchor_key: int = Field(default=1, repr=False)


def test_a_variable_is_the_field_s_name_in_capitals() -> None:
    settings = read_settings(ShipSettings, {"HARBOUR": "Iolcus", "CREW": "49", "DRAIN_SECONDS": "1.5", "PATH": "/bin"})
    assert (settings.harbour, settings.crew, settings.drain_seconds) == ("Iolcus", 49, 1.5)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_settings(ShipSettings, {"HARBOUR": "Iolcus", "CREW": "", "MESH_EGRESS_ADDRESS": ""}).crew == 50


def test_every_service_has_a_database_of_its_own_by_default() -> None:
    assert read_settings(ShipSettings, {"HARBOUR": "x"}).database_url == "sqlite+aiosqlite:///./data/ship.db"


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsWrong) as caught:
        read_settings(
            ShipSettings,
            {
                "LISTEN_ADDRESS": "x",
                "METRICS_ADDRESS": "127.0.0.1:99999",
                "LOG_LEVEL": "LOUD",
                "MAX_CONCURRENT_RPCS": "many",
                "DRAIN_SECONDS": "soon",
                "DEFAULT_DEADLINE_SECONDS": "0",
                "RESILIENCE": "maybe",
                "MESH_EGRESS_ADDRESS": "not an address",
                "CHART": "/nowhere",
            },
        )
    assert caught.value.problems == [
        "LISTEN_ADDRESS='x' is not host:port",
        "METRICS_ADDRESS='127.0.0.1:99999' is not host:port",
        "MESH_EGRESS_ADDRESS='not an address' is not an IP address or host name",
        "LOG_LEVEL='LOUD' is not one of 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        "MAX_CONCURRENT_RPCS='many' is not a whole number",
        "DRAIN_SECONDS='soon' is not a number",
        "DEFAULT_DEADLINE_SECONDS='0' is not greater than 0",
        "RESILIENCE='maybe' is not one of 'on' or 'off'",
        "HARBOUR is not set",
        "CHART='/nowhere' is not a file",
    ]


@pytest.mark.parametrize(
    ("given", "admins"),
    [
        ("", {"spiffe://cluster.local/ns/shop/sa/operator"}),
        ("nobody", set()),
        ("spiffe://a.example/ns/x/sa/y,spiffe://b.example/z", {"spiffe://a.example/ns/x/sa/y", "spiffe://b.example/z"}),
    ],
)
def test_the_operator_of_the_namespace_may_use_the_admin_service_or_who_is_named(given: str, admins: set[str]) -> None:
    assert read_settings(HostSettings, {"POD_NAMESPACE": "shop", "ADMIN_CALLERS": given}).admins == admins


@pytest.mark.parametrize("given", ["operator", "*", ",", "spiffe://", "spiffe://a.example", "nobody,spiffe://a/b"])
def test_who_is_no_identity_cannot_be_let_in(given: str) -> None:
    with pytest.raises(SettingsWrong, match="is neither nobody nor spiffe:"):
        read_settings(HostSettings, {"ADMIN_CALLERS": given})


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:0", "0.0.0.0:50051", "[::]:50051", "localhost:1", "unix:/run/a.sock"],
)
def test_addresses_that_can_be_listened_at(address: str) -> None:
    assert read_settings(HostSettings, {"LISTEN_ADDRESS": address}).listen_address == address


@pytest.mark.parametrize("address", [":1", "a", "a:b", "::1:5", "unix:a.sock", f"unix:/{'a' * 107}", "a:123456"])
def test_addresses_that_cannot(address: str) -> None:
    with pytest.raises(SettingsWrong, match="LISTEN_ADDRESS"):
        read_settings(HostSettings, {"LISTEN_ADDRESS": address})


def test_a_secret_is_neither_in_a_complaint_nor_in_the_settings_text() -> None:
    with pytest.raises(SettingsWrong) as caught:
        read_settings(ShipSettings, {"HARBOUR": "x", "DATABASE_URL": "shop:s3cret@db", "ANCHOR_KEY": "s3cret"})
    assert [problem.split(" is ")[0] for problem in caught.value.problems] == [
        "DATABASE_URL=(hidden)",
        "ANCHOR_KEY=(hidden)",
    ]
    assert "s3cret" not in repr(HostSettings(database_url="postgresql+asyncpg://shop:s3cret@db/shop"))


def test_wrong_settings_end_the_process_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_or_exit(HostSettings, {"LOG_LEVEL": "LOUD"})
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("LOG_LEVEL='LOUD' is not one of")


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = HostSettings(database_url=f"sqlite+aiosqlite:///{tmp_path}/a.db")
    with pytest.raises(AttributeError):
        settings.log_level = "DEBUG"  # type: ignore[misc]
