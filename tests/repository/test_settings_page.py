"""docs/settings.md names every setting with its default, and none that does not exist."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic.fields import FieldInfo

from loadtest.run import main as load
from mesh.browser.chromium import VARIABLE as CHROMIUM
from mesh.image.__main__ import build_ as build_images
from mesh.local.settings import __doc__ as local_settings
from services.auditor.__main__ import AuditorSettings
from services.cart.__main__ import CartSettings
from services.catalog.__main__ import CatalogSettings
from services.hosting.settings import HostSettings
from services.inventory.__main__ import InventorySettings
from services.operator.__main__ import OperatorSettings
from services.orders.__main__ import OrdersSettings
from services.payments.__main__ import PaymentsSettings
from services.recommendations.__main__ import RecommendationsSettings
from services.reporter.__main__ import ReporterSettings
from services.seeder.__main__ import SeederSettings
from services.storefront.__main__ import StorefrontSettings
from services.users.__main__ import UsersSettings
from tests.fuzz import budget

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
SERVICES: dict[str, type[HostSettings]] = {
    "catalog": CatalogSettings,
    "inventory": InventorySettings,
    "payments": PaymentsSettings,
    "orders": OrdersSettings,
    "users": UsersSettings,
    "cart": CartSettings,
    "recommendations": RecommendationsSettings,
    "storefront": StorefrontSettings,
    "auditor": AuditorSettings,
    "reporter": ReporterSettings,
    "operator": OperatorSettings,
    "seeder": SeederSettings,
}


def documented(section: str) -> dict[str, str]:
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", text, flags=re.MULTILINE))


def declared(kind: type[HostSettings]) -> dict[str, object]:
    return {field.name.upper(): default_of(field.default) for field in fields(kind)}


def default_of(default: object) -> object:
    return default.default if isinstance(default, FieldInfo) else default


def test_what_every_service_is_told_is_documented() -> None:
    assert set(documented("Every service")) == set(declared(HostSettings))


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_is_told_beyond_that_is_documented(service: str) -> None:
    assert set(documented(service)) == set(declared(SERVICES[service])) - set(declared(HostSettings))


@pytest.mark.parametrize(("section", "kind"), [("Every service", HostSettings), *SERVICES.items()])
def test_documented_defaults_are_the_codes(section: str, kind: type[HostSettings]) -> None:
    code = declared(kind)
    for variable, shown in documented(section).items():
        if not shown.startswith("`") or "<" in shown:
            continue  # in words: the service's own name
        shown_value, default = shown.strip("`"), code[variable]
        if isinstance(default, float):
            assert float(shown_value) == default, variable
        else:
            assert shown_value == str(default).replace("False", "false"), variable


@pytest.mark.parametrize("service", SERVICES)
def test_a_setting_without_default_is_shown_as_required(service: str) -> None:
    required = {name for name, default in declared(SERVICES[service]).items() if default is MISSING}
    assert required == {name for name, shown in documented(service).items() if shown == "required"}


def test_what_a_load_test_is_told_is_documented_with_its_default() -> None:
    hints = get_type_hints(load, include_extras=True)
    options = {name: hints[name].__metadata__[0].envvar for name in signature(load).parameters}
    defaults = {option: str(signature(load).parameters[name].default) for name, option in options.items() if option}
    assert {name: shown.strip("`") for name, shown in documented("make load").items()} == defaults


def test_what_building_images_is_told_is_documented() -> None:
    hints = get_type_hints(build_images, include_extras=True)
    told = {str(option.envvar) for hint in hints.values() for option in getattr(hint, "__metadata__", ())} - {"None"}
    assert set(documented("make image, make sbom")) == told | {"SOURCE_DATE_EPOCH"}


def test_the_local_clusters_settings_are_documented() -> None:
    assert set(documented("The local cluster")) == set(re.findall(r"`(ARGOSY_[A-Z]+)`", str(local_settings)))


def test_what_the_browser_and_the_fuzz_are_told_is_documented() -> None:
    read = re.findall(r'environ\.get\("([A-Z_]+)"', inspect.getsource(budget))
    assert set(documented("Browser and fuzz")) == {CHROMIUM, *read}
