import os
import subprocess
import sys
from pathlib import Path

from mesh.local.belongings import belonging_to, kill_belongings, marks
from tests.local.scripted import eventually

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
PARENT_OF_ORPHAN = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)",
    *SLEEPER,
]


def environment(state: Path, part: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **marks(state, part)}


def test_an_orphan_is_found_by_its_mark_and_ended(tmp_path: Path) -> None:
    subprocess.run(PARENT_OF_ORPHAN, env=environment(tmp_path, "node"), check=True)
    eventually(lambda: len(belonging_to(tmp_path)) == 1)
    assert len(kill_belongings(tmp_path)) == 1
    eventually(lambda: kill_belongings(tmp_path) == [])


def test_other_clusters_and_other_parts_are_left_alone(tmp_path: Path) -> None:
    other_cluster, other_part = tmp_path / "other", tmp_path / "this"
    with (
        subprocess.Popen(SLEEPER, env=environment(other_cluster, "node")) as stranger,
        subprocess.Popen(SLEEPER, env=environment(other_part, "etcd")) as etcd,
    ):
        eventually(lambda: len(belonging_to(other_part)) == 1 and len(belonging_to(other_cluster)) == 1)
        assert kill_belongings(other_part, "node") == []
        assert [process.pid for process in kill_belongings(other_part)] == [etcd.pid]
        assert stranger.poll() is None
        stranger.kill()


def test_a_state_folder_whose_name_begins_alike_is_another(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPER, env=environment(tmp_path / "argosy-2", "node")) as stranger:
        eventually(lambda: len(belonging_to(tmp_path / "argosy-2")) == 1)
        assert belonging_to(tmp_path / "argosy") == []
        stranger.kill()
