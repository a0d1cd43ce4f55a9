"""`argosy backup` and `argosy restore` as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mesh.local.file_lock import hold
from mesh.local.process_identity import identify
from mesh.local.state_folder import StateFolder, write_private
from tests.backup.stored import lines, write

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    write(folder, orders=1, payments=1)
    return folder


def argosy(folder: StateFolder, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.root), "COLUMNS": "160", "ARGOSY_STATE": str(folder.root)}
    command = [sys.executable, "-m", "mesh", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environ, check=False, capture_output=True, text=True, timeout=50)


@contextmanager
def supervised(folder: StateFolder) -> Iterator[subprocess.Popen[bytes]]:
    """Something that its state file says is the supervisor of a running cluster."""
    with subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True
    ) as supervisor:
        process = identify(supervisor.pid)
        assert process
        state = {"pid": process.pid, "started": process.started, "stopping": False, "parts": {}}
        write_private(folder.supervisor_state, json.dumps(state))
        yield supervisor
        supervisor.kill()


def test_a_backup_is_restored_and_both_say_what_they_did(folder: StateFolder, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    (folder.volumes / "shop" / "notes.txt").write_text("no database")
    done = argosy(folder, "backup", str(file), "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert [one["path"] for one in said["databases"]] == [
        "shop/orders-data/orders.db",
        "shop/payments-data/payments.db",
    ]
    assert said["left_out"] == ["shop/notes.txt"]
    assert "left out, for it is no database" in done.stderr
    write(folder, orders=2)
    done = argosy(folder, "restore", str(file))
    assert done.returncode == 0
    assert done.stdout.startswith("2 databases, ")
    assert "what was there is in " in done.stdout
    assert lines(folder.volumes) == {"orders": 1, "payments": 1}


def test_what_cannot_be_done_is_one_sentence_and_1(folder: StateFolder, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    assert argosy(folder, "backup", str(file)).returncode == 0
    again = argosy(folder, "backup", str(file))
    missing = argosy(folder, "restore", str(tmp_path / "none.tar.gz"))
    file.write_bytes(b"nonsense")
    damaged = argosy(folder, "restore", str(file))
    assert [again.returncode, missing.returncode, damaged.returncode] == [1, 1, 1]
    assert "already" in again.stderr
    assert "No such file" in missing.stderr
    assert "is no whole backup" in damaged.stderr
    assert "Traceback" not in again.stderr + missing.stderr + damaged.stderr


def test_a_running_cluster_is_backed_up_and_not_restored_unless_it_may_be_stopped(
    folder: StateFolder, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    with supervised(folder) as supervisor:
        assert argosy(folder, "backup", str(file)).returncode == 0
        write(folder, orders=2)
        refused = argosy(folder, "restore", str(file))
        assert (refused.returncode, lines(folder.volumes)["orders"]) == (3, 2)
        assert "`argosy down` first" in refused.stderr
        assert supervisor.poll() is None
        assert argosy(folder, "restore", str(file), "--stop").returncode == 0
        assert supervisor.wait(10) != 0
    assert lines(folder.volumes)["orders"] == 1


@pytest.mark.parametrize("sign", ["volumes-half-*/shop", "volumes-replaced-*"])
def test_a_restore_that_is_killed_has_done_all_of_it_or_nothing(folder: StateFolder, tmp_path: Path, sign: str) -> None:
    file = tmp_path / "backup.tar.gz"
    assert argosy(folder, "backup", str(file)).returncode == 0
    write(folder, orders=2, payments=2)
    command = [sys.executable, "-m", "mesh", "restore", str(file)]
    with subprocess.Popen(command, cwd=CHECKOUT, env=os.environ | {"ARGOSY_STATE": str(folder.root)}) as restoring:
        while restoring.poll() is None and not list(folder.root.glob(sign)):
            time.sleep(0.0001)  # polling, until it ends at the latest
        restoring.kill()
    old, new = {"orders": 2, "payments": 2}, {"orders": 1, "payments": 1}
    now = lines(folder.volumes)
    assert now in (old, new)
    replaced = [lines(path) for path in folder.stored() if "replaced" in path.name]
    assert (now == old) or replaced == [old]
    assert argosy(folder, "restore", str(file)).returncode == 0
    assert lines(folder.volumes) == new


def test_a_damaged_archive_stops_no_cluster(folder: StateFolder, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    file.write_bytes(b"nonsense")
    with supervised(folder) as supervisor:
        assert argosy(folder, "restore", str(file), "--stop").returncode == 1
        assert supervisor.poll() is None


def test_whoever_else_is_at_work_is_named_and_waited_for_by_nobody(folder: StateFolder, tmp_path: Path) -> None:
    with hold(folder.lock, "`argosy up`"):
        for command in ("backup", "restore"):
            done = argosy(folder, command, str(tmp_path / "backup.tar.gz"))
            assert done.returncode == 3
            assert "`argosy up`" in done.stderr


def test_down_with_volumes_removes_what_a_restore_replaced(folder: StateFolder, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    argosy(folder, "backup", str(file))
    argosy(folder, "restore", str(file))
    assert len(folder.stored()) == 2
    assert argosy(folder, "down").returncode == 0
    assert len(folder.stored()) == 2
    assert argosy(folder, "down", "--volumes").returncode == 0
    assert [path for path in folder.stored() if path.exists()] == []


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_help_gives_examples(folder: StateFolder, command: str) -> None:
    done = argosy(folder, command, "--help")
    assert (done.returncode, done.stdout.count(f"argosy {command}") >= 2) == (0, True)
