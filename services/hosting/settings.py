"""Which settings does a service run with? Those of its environment, read once, all problems at once.

A field's name in capitals is its variable: `listen_address` is LISTEN_ADDRESS. An empty variable
counts as not set. A field declared with `repr=False` holds a secret: its value is never shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

Settings = TypeVar("Settings", bound="HostSettings")

MAX_SOCKET_PATH = 107  # bytes, of sockaddr_un on Linux
A_YEAR = 366 * 86400.0  # seconds

_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_SPIFFE_ID = re.compile(r"spiffe://[^/,\s]+(/[^/,\s]+)+")
NOBODY = "nobody"
_ADDRESS = re.compile(r"\[?[0-9a-fA-F:.]+\]?|[A-Za-z0-9._-]+")


def _host_and_port(value: str) -> str:
    found = _HOST_AND_PORT.fullmatch(value)
    if not found or int(found[2]) > 65535:  # noqa: PLR2004  # the largest port
        raise ValueError("is not host:port")
    return value


def _listenable(value: str) -> str:
    if not value.startswith("unix:"):
        return _host_and_port(value)
    path = value.removeprefix("unix:")
    if not path.startswith("/") or len(path.encode()) > MAX_SOCKET_PATH:
        raise ValueError(f"is not unix: and an absolute path of at most {MAX_SOCKET_PATH} bytes")
    return value


def _host(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("is not an IP address or host name")
    return value


def _identities(value: str) -> str:
    if value != NOBODY and not all(_SPIFFE_ID.fullmatch(one) for one in value.split(",")):
        raise ValueError(f"is neither {NOBODY} nor spiffe://... identities with commas between them")
    return value


def _database(value: str) -> str:
    if not re.match(r"[a-z0-9+]+://", value):
        raise ValueError("is not driver://..., for example sqlite+aiosqlite:///./data/orders.db")
    return value


HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
Listenable = Annotated[str, AfterValidator(_listenable)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(str_strip_whitespace=True))
class HostSettings:
    """What every service process is told; a service adds its own by inheriting."""

    service_name: str = "service"
    service_version: str = "v1"
    pod_name: str = "local"
    pod_namespace: str = "default"
    listen_address: Listenable = "0.0.0.0:50051"
    metrics_address: HostAndPort = "0.0.0.0:9464"
    mesh_egress_address: Annotated[str, AfterValidator(_host)] | None = None
    database_url: Annotated[str, AfterValidator(_database)] = Field(default="", repr=False)
    database_connections: int = Field(default=8, ge=2, le=1000)
    database_wait_seconds: Seconds = 30.0
    schema: Literal["migrate", "wait"] = "migrate"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_concurrent_rpcs: int = Field(default=100, ge=1, le=100_000)
    adaptive_limit: Literal["on", "off"] = "on"
    drain_delay_seconds: Seconds = 2.0
    drain_seconds: Seconds = 10.0
    clock_off_by_seconds: float = Field(default=0.0, ge=-A_YEAR, le=A_YEAR, allow_inf_nan=False)
    default_deadline_seconds: float = Field(default=5.0, gt=0, le=3600, allow_inf_nan=False)
    resilience: Literal["on", "off"] = "on"
    admin_callers: Annotated[str, AfterValidator(_identities)] = ""
    otel_sdk_disabled: bool = False
    otel_traces_exporter: Literal["otlp", "console", "none"] | None = None
    otel_exporter_otlp_endpoint: str | None = Field(default=None, repr=False)
    span_export: Literal["batched", "inline"] = "batched"

    def __post_init__(self) -> None:
        if not self.database_url:  # depends on the service, so it is no plain default
            object.__setattr__(self, "database_url", f"sqlite+aiosqlite:///./data/{self.service_name}.db")
        if not self.admin_callers:  # depends on the namespace
            object.__setattr__(self, "admin_callers", f"spiffe://cluster.local/ns/{self.pod_namespace}/sa/operator")

    @property
    def admins(self) -> frozenset[str]:
        """The identities that may use the admin service."""
        return frozenset(() if self.admin_callers == NOBODY else self.admin_callers.split(","))


class SettingsWrong(Exception):
    """Some settings are missing or wrong; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_settings(kind: type[Settings], environ: Mapping[str, str]) -> Settings:
    """The settings `kind` declares, from `environ`. Raises SettingsWrong with every problem."""
    given: dict[str, Any] = {
        field.name: environ[field.name.upper()] for field in fields(kind) if environ.get(field.name.upper())
    }
    try:
        return kind(**given)
    except ValidationError as error:
        declared = [field.name for field in fields(kind)]
        secret = {field.name for field in fields(kind) if not field.repr}
        problems = sorted(error.errors(), key=lambda problem: declared.index(str(problem["loc"][0])))
        raise SettingsWrong([_sentence(problem, secret) for problem in problems]) from None


def settings_or_exit(kind: type[Settings], environ: Mapping[str, str]) -> Settings:
    """`read_settings`, or every problem on stderr and exit code 2."""
    try:
        return read_settings(kind, environ)
    except SettingsWrong as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


def _sentence(problem: ErrorDetails, secret: set[str]) -> str:
    field = str(problem["loc"][0])
    if problem["type"] == "missing":
        return f"{field.upper()} is not set"
    value = "(hidden)" if field in secret else repr(problem["input"])
    return f"{field.upper()}={value} {_complaint(problem)}"


_COMPLAINTS = {
    "int_parsing": "is not a whole number",
    "float_parsing": "is not a number",
    "finite_number": "is not a number",
    "bool_parsing": "is not true or false",
    "path_not_file": "is not a file",
}


def _complaint(problem: ErrorDetails) -> str:
    facts = problem.get("ctx", {})
    match problem["type"]:
        case "value_error":
            return str(facts["error"])
        case "literal_error":
            return f"is not one of {facts['expected']}"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            return f"is not {problem['msg'].removeprefix('Input should be ')}"
    return _COMPLAINTS.get(problem["type"]) or f"is not accepted: {problem['msg']}"
