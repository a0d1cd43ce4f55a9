import signal

import pytest

from mesh.local.lifecycle import stop
from tests.local.scripted import ScriptedCluster, eventually, kill

pytestmark = pytest.mark.processes


def test_parts_start_in_the_order_of_their_needs(cluster: ScriptedCluster) -> None:
    cluster.add("last", starts_after=("middle",))
    cluster.add("middle", "task", once=True, starts_after=("first",))
    cluster.add("first", "task", once=True)
    with cluster.supervised():
        eventually(lambda: len(cluster.notes()) == 3)
        assert cluster.notes() == ["started first", "started middle", "started last"]
        assert cluster.part("middle").phase == "done"


def test_a_task_that_fails_is_begun_again_and_nobody_goes_before_it(cluster: ScriptedCluster) -> None:
    cluster.add("task", "dies", once=True)
    cluster.add("next", starts_after=("task",))
    with cluster.supervised():
        eventually(lambda: cluster.part("task").restarts >= 3)
        assert cluster.part("next").phase == "waiting"
        assert "started next" not in cluster.notes()


def test_what_dies_is_started_again_with_all_its_descendants_gone(cluster: ScriptedCluster) -> None:
    cluster.add("etcd")
    cluster.add("node", "child")
    with cluster.supervised():
        eventually(
            lambda: cluster.ready() and cluster.processes() == 5
        )  # the supervisor, its standby, etcd, node, a descendant
        before = cluster.part("node")
        kill(before)
        eventually(lambda: cluster.part("node").restarts == 1 and cluster.ready() and cluster.processes() == 5)
        assert cluster.part("node").process != before.process
        assert cluster.part("etcd").restarts == 0


def test_parts_stop_in_their_order_and_the_stubborn_by_force(cluster: ScriptedCluster) -> None:
    cluster.add("store", stop_rank=2)
    cluster.add("api", "stubborn", stop_rank=1, stop_grace=0.3)
    cluster.add("node", "child", stop_rank=0)
    with cluster.supervised() as supervisor:
        eventually(lambda: len(cluster.notes()) == 3)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(timeout=30) == 0
        assert cluster.notes()[3:] == ["ended node", "ended api", "ended store"]
        assert cluster.processes() == 0


def test_a_supervisor_told_to_stop_while_parts_wait_and_pause_stops(cluster: ScriptedCluster) -> None:
    cluster.add("paused", "dies")
    cluster.add("waiting", starts_after=("paused", "never"))
    cluster.add("never", "dies", once=True)
    with cluster.supervised() as supervisor:
        eventually(lambda: cluster.part("paused").restarts >= 3)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(timeout=30) == 0
        assert cluster.processes() == 0


def test_a_state_file_that_cannot_be_written_ends_nothing(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised() as supervisor:
        eventually(lambda: cluster.ready() and cluster.notes() == ["started node"])
        in_the_way = cluster.folder.supervisor / f".state.json.{supervisor.pid}"  # as good as a full disk
        in_the_way.mkdir()
        kill(cluster.part("node"))
        eventually(lambda: cluster.notes() == ["started node"] * 2)
        assert cluster.part("node").restarts == 0  # what was written before
        in_the_way.rmdir()
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(timeout=30) == 0
        assert cluster.notes()[-1] == "ended node"


def test_down_stops_a_living_supervisor_in_order(cluster: ScriptedCluster) -> None:
    cluster.add("store", stop_rank=1)
    cluster.add("node", stop_rank=0)
    with cluster.supervised() as supervisor:
        eventually(lambda: len(cluster.notes()) == 2)
        stop(cluster.folder)
        assert supervisor.wait() == 0
        assert cluster.notes()[-2:] == ["ended node", "ended store"]
        assert not cluster.folder.supervisor.exists()
