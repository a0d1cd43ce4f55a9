"""Which settings does the local cluster have? All of them, read once from the environment.

| variable          | meaning                                                          | default                   |
|-------------------|------------------------------------------------------------------|---------------------------|
| `ARGOSY_STATE`    | folder of the running cluster's state                            | `.argosy`                 |
| `ARGOSY_CACHE`    | folder of what outlives checkouts: built programs, downloads     | the user's cache          |
| `ARGOSY_PROGRAMS` | folder of given programs; nothing is built then                  | built from source         |
| `ARGOSY_INSTANCE` | 0 to 9: other ports and pod addresses for a further cluster      | the running one's, else 0 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mesh.local.cache import cache_folder
from mesh.local.problems import LocalClusterError
from mesh.local.state_folder import StateFolder

CHECKOUT = Path(__file__).resolve().parents[2]


class WrongSetting(LocalClusterError):
    """An environment variable has a value we cannot use."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """Where the cluster lives and what it is made of; all paths are absolute."""

    state: Path
    cache: Path
    programs: Path | None
    instance: int
    checkout: Path = CHECKOUT


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises WrongSetting naming every problem at once."""
    problems = []
    given = Path(environ["ARGOSY_PROGRAMS"]).absolute() if environ.get("ARGOSY_PROGRAMS") else None
    if given and not given.is_dir():
        problems.append(f"ARGOSY_PROGRAMS={given} is not a folder")
    state = environ.get("ARGOSY_STATE")
    folder = StateFolder(Path(state).absolute() if state else CHECKOUT / ".argosy")
    instance = environ.get("ARGOSY_INSTANCE") or _running_instance(folder)
    if instance not in set("0123456789"):
        problems.append(f"ARGOSY_INSTANCE={instance!r} is not a number from 0 to 9")
    if problems:
        raise WrongSetting("; ".join(problems))
    return Settings(
        state=folder.root,
        cache=cache_folder(environ),
        programs=given,
        instance=int(instance),
    )


def _running_instance(folder: StateFolder) -> str:
    return folder.instance.read_text(encoding="utf-8").strip() if folder.instance.exists() else "0"
