import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.local.addresses import addresses_of
from mesh.local.belongings import belonging_to, marks
from mesh.local.lifecycle import remove_remains, start, stop
from mesh.local.problems import PortTaken
from mesh.local.programs import Programs
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder, write_private
from tests.local.scripted import eventually

INSTANCE = 9


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", cache=tmp_path / "cache", programs=tmp_path, instance=INSTANCE)


def test_a_taken_port_stops_the_start_before_anything_is_written(settings: Settings) -> None:
    port = addresses_of(INSTANCE).api_server
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken) as taken:
        start(settings, Programs(settings.cache), os.environ)
    assert f"pid {os.getpid()}" in taken.value.takers[port]
    assert taken.value.exit_code == 5
    assert not StateFolder(settings.state).credentials.exists()


def test_the_end_removes_the_cluster_and_keeps_what_pods_stored(settings: Settings) -> None:
    folder = StateFolder(settings.state)
    for path in (folder.kubeconfig, folder.credentials / "admin.key", folder.volumes / "data" / "orders.db"):
        write_private(path, "something")
    write_private(folder.logs / "etcd.log", "why it ended")
    program = [sys.executable, "-c", "import signal; signal.pause()"]
    environ = {"PATH": os.environ["PATH"], **marks(folder.root, "node")}
    with subprocess.Popen(program, env=environ, start_new_session=True):
        eventually(lambda: len(belonging_to(folder.root)) == 1)
        stop(folder)
        assert belonging_to(folder.root) == []
    assert sorted(path.name for path in folder.root.iterdir()) == ["logs", "volumes"]
    assert (folder.volumes / "data" / "orders.db").exists()


def test_a_supervisor_that_is_somebody_else_by_now_is_left_alone(settings: Settings) -> None:
    folder = StateFolder(settings.state)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        state = f'{{"pid": {stranger.pid}, "started": 1, "stopping": false, "parts": {{}}}}'
        write_private(folder.supervisor_state, state)
        stop(folder)
        assert stranger.poll() is None
        stranger.kill()


def test_programs_that_cannot_run_end_the_supervisor_and_leave_nothing(settings: Settings) -> None:
    """The folder of programs is empty, so not even etcd can be started."""
    folder = StateFolder(settings.state)
    start(settings, Programs(settings.cache), os.environ)
    eventually(lambda: belonging_to(folder.root) == [])
    assert "FileNotFoundError" in (folder.logs / "supervisor.log").read_text()
    remove_remains(folder)
    assert not folder.kubeconfig.exists()
