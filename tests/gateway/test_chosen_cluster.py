"""KUBECONFIG chooses the cluster; without it, and whatever way leads there, it is the local one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mesh.chosen_cluster import WrongKubeconfig, meant
from mesh.local.problems import NotRunning
from tests.suspended_job.scripted_api import kubeconfig

HERE, THERE = "https://127.0.0.1:16443", "https://10.0.0.1:6443"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A running local cluster."""
    (tmp_path / "state").mkdir()
    write(tmp_path / "state" / "kubeconfig", HERE)
    return {"ARGOSY_STATE": str(tmp_path / "state"), "ARGOSY_CACHE": str(tmp_path)}


def write(path: Path, *servers: str) -> str:
    """A kubeconfig with a context for each server, the first being current."""
    document = kubeconfig(servers[0])
    for number, server in enumerate(servers[1:], start=2):
        document["clusters"].append({"name": f"c{number}", "cluster": {"server": server}})
        document["contexts"].append({"name": f"c{number}", "context": {"cluster": f"c{number}"}})
    path.write_text(json.dumps(document))
    return str(path)


def test_without_kubeconfig_it_is_the_local_cluster(environ: dict[str, str]) -> None:
    assert meant(environ=environ).local
    assert meant(environ={**environ, "KUBECONFIG": ""}).local


def test_with_kubeconfig_it_is_that_one_or_the_context_that_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    environ["KUBECONFIG"] = write(tmp_path / "config", THERE, "https://10.0.0.2:6443")
    cluster = meant(environ=environ)
    assert (cluster.local, cluster.name, cluster.server) == (False, "scripted", THERE)
    assert meant("c2", environ).server == "https://10.0.0.2:6443"


@pytest.mark.parametrize("copied", [False, True])
def test_a_kubeconfig_of_the_local_cluster_means_the_local_cluster(
    environ: dict[str, str], tmp_path: Path, copied: bool
) -> None:
    path = tmp_path / "copy" if copied else tmp_path / "state" / "kubeconfig"
    environ["KUBECONFIG"] = write(path, HERE)
    assert meant(environ=environ).local


def test_it_means_the_local_cluster_also_before_that_is_started(environ: dict[str, str], tmp_path: Path) -> None:
    local = tmp_path / "state" / "kubeconfig"
    local.unlink()
    cluster = meant(environ={**environ, "KUBECONFIG": str(local)})
    assert cluster.local
    with pytest.raises(NotRunning):
        assert cluster.server


@pytest.mark.parametrize(
    ("content", "context", "complaint"),
    [
        (None, "", "cannot be read"),
        ("{", "", "cannot be read"),
        (json.dumps(kubeconfig(THERE)), "other", "has no context other; it has scripted"),
    ],
    ids=["no file", "no YAML", "no such context"],
)
def test_a_kubeconfig_that_leads_nowhere_is_named(
    environ: dict[str, str], tmp_path: Path, content: str | None, context: str, complaint: str
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WrongKubeconfig, match=complaint):
        meant(context, {**environ, "KUBECONFIG": str(path)})


def test_several_files_are_not_guessed_between(environ: dict[str, str]) -> None:
    with pytest.raises(WrongKubeconfig, match="several files"):
        meant(environ={**environ, "KUBECONFIG": "/a:/b"})
