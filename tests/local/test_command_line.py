import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.__main__ import SUBCOMMANDS
from mesh.commands.passing_on import context_in, for_the_local_cluster
from mesh.local.file_lock import hold
from mesh.local.lifecycle import at_work, interrupt_up
from mesh.local.state_folder import StateFolder
from tests.suspended_job.scripted_api import kubeconfig

pytestmark = pytest.mark.processes


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("kubectl", "istioctl"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\necho KUBECONFIG=$KUBECONFIG\nexit 42\n')
        (programs / name).chmod(0o755)
    own = {"ARGOSY_STATE": str(tmp_path / "state"), "ARGOSY_CACHE": str(tmp_path), "ARGOSY_PROGRAMS": str(programs)}
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "120", **own}


def argosy(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mesh", *arguments]
    return subprocess.run(command, env=environ, check=False, capture_output=True, text=True, timeout=50)


def test_help_lists_every_command_and_imports_none(environ: dict[str, str]) -> None:
    probe = "import sys; from mesh.__main__ import application; application([]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], env=environ, check=True, capture_output=True, text=True)
    assert {"lightkube", "aiohttp", "cryptography", "psutil", "grpc"}.isdisjoint(done.stdout.split())
    shown = argosy(environ, "--help").stdout
    assert all(f" {name} " in shown for name in SUBCOMMANDS)


@pytest.mark.parametrize("name", [name for name in SUBCOMMANDS if not SUBCOMMANDS[name].passes_on])
def test_every_command_explains_itself_with_examples_and_exit_codes(environ: dict[str, str], name: str) -> None:
    done = argosy(environ, name, "--help")
    assert done.returncode == 0
    assert f"argosy {name}" in done.stdout
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize(
    "words", [["status"], ["logs", "istiod"], ["kubectl", "get", "pods"], ["istioctl", "proxy-status"]]
)
def test_without_a_cluster_there_is_nothing_to_ask(environ: dict[str, str], words: list[str]) -> None:
    done = argosy(environ, *words)
    assert done.returncode == 4
    assert "argosy up" in done.stderr


def test_kubectl_without_a_cluster_can_still_build_manifests(environ: dict[str, str]) -> None:
    done = argosy(environ, "kubectl", "kustomize", "--help")
    assert done.stdout.splitlines()[0] == "kubectl kustomize --help"
    assert done.returncode == 42  # kubectl's own


def test_a_wrong_setting_is_wrong_usage(environ: dict[str, str]) -> None:
    done = argosy({**environ, "ARGOSY_INSTANCE": "many"}, "status")
    assert done.returncode == 2
    assert "ARGOSY_INSTANCE='many'" in done.stderr
    assert argosy(environ, "status", "--no-such-option").returncode == 2


def test_what_is_about_the_local_cluster_says_so_to_those_who_have_chosen_another(environ: dict[str, str]) -> None:
    done = argosy({**environ, "KUBECONFIG": "/another"}, "down")
    assert done.returncode == 0
    assert "this is about the local cluster; the one that KUBECONFIG=/another names is left alone" in done.stderr


def test_kubectl_and_istioctl_go_to_the_cluster_that_is_meant(environ: dict[str, str], tmp_path: Path) -> None:
    given = tmp_path / "config"
    given.write_text(json.dumps(kubeconfig("https://10.0.0.1:6443")))
    programs = {**environ, "PATH": f"{tmp_path / 'programs'}:{environ['PATH']}", "KUBECONFIG": str(given)}
    for command in (["kubectl", "get", "pods"], ["istioctl", "proxy-status"]):
        done = argosy(programs, *command)
        assert done.stdout.splitlines() == [" ".join(command), f"KUBECONFIG={given}"]
        assert done.returncode == 42
    done = argosy(programs, "logs", "orders-1", "-c", "istio-proxy", "--context", "scripted")
    assert "orders-1 --container=istio-proxy --context=scripted" in done.stdout


def test_the_context_is_found_among_the_words_of_another_program() -> None:
    assert context_in(["--context", "a", "get", "pods"]) == context_in(["get", "--context=a"]) == "a"
    assert context_in(["exec", "pod", "--", "psql", "--context=b"]) == context_in(["get"]) == ""


def test_down_where_nothing_runs_is_done(environ: dict[str, str]) -> None:
    done = argosy(environ, "down")
    assert done.returncode == 0
    assert "nothing was running" in done.stderr


def test_up_while_another_is_at_work_says_so(environ: dict[str, str], tmp_path: Path) -> None:
    with at_work(StateFolder(tmp_path / "state"), "up"):
        done = argosy(environ, "up")
    assert done.returncode == 3
    assert f"pid {os.getpid()}" in done.stderr


def test_up_without_programs_says_which_are_missing(environ: dict[str, str]) -> None:
    done = argosy(environ, "up")
    assert done.returncode == 6
    assert "kube-apiserver" in done.stderr


def test_doctor_speaks_json_and_tells_what_prevents_a_start(environ: dict[str, str]) -> None:
    done = argosy(environ, "doctor", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert findings["programs"]["verdict"] == "bad"
    assert {"ports", "memory", "Python", "Go", "disk for the cache"} <= set(findings)
    assert done.returncode == 1


def test_a_terminated_up_that_waits_for_a_build_ends_like_ctrl_c(environ: dict[str, str], tmp_path: Path) -> None:
    environ = {name: value for name, value in environ.items() if name != "ARGOSY_PROGRAMS"}
    lock = tmp_path / "programs" / "build.lock"
    with hold(lock, "a test"):
        command = [sys.executable, "-m", "mesh", "up"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert "already builds" in waiting.stderr.readline()
            waiting.send_signal(signal.SIGTERM)
            waiting.communicate()
    assert waiting.returncode == 130


def test_down_interrupts_an_up_that_is_at_work(environ: dict[str, str], tmp_path: Path) -> None:
    environ = {name: value for name, value in environ.items() if name != "ARGOSY_PROGRAMS"}
    with hold(tmp_path / "programs" / "build.lock", "a test"):
        command = [sys.executable, "-m", "mesh", "up"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert "already builds" in waiting.stderr.readline()
            done = argosy(environ, "down")
            waiting.communicate()
    assert waiting.returncode == 130
    assert done.returncode == 0
    assert f"(pid {waiting.pid}) to end" in done.stderr


def test_down_waits_for_anybody_else_without_touching_them(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with at_work(folder, "demo"):
        interrupt_up(folder, folder.lock.read_text().strip())
    with at_work(folder, "up"):
        interrupt_up(folder, "`argosy up` (pid 1)")  # what held it a moment ago


def test_istioctl_is_told_what_it_cannot_find_out_here() -> None:
    assert for_the_local_cluster(["proxy-status"], 15012) == ["proxy-status", "--xds-address", "localhost:15012"]
    assert for_the_local_cluster(["ps", "--xds-address", "a:1"], 15012) == ["ps", "--xds-address", "a:1"]
    assert for_the_local_cluster(["version"], 15012) == ["version"]
    assert "--suppress=IST0147=Pod *" in for_the_local_cluster(["analyze", "-n", "shop"], 15012)
