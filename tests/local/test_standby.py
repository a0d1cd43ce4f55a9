"""The supervisor and its standby guard each other; told to end, neither does."""

import signal

import pytest

from mesh.local.belongings import STANDBY, belonging_to
from mesh.local.lifecycle import stop
from mesh.local.process_identity import ProcessId
from mesh.local.supervisor_state import read_supervisor_state
from tests.local.scripted import ScriptedCluster, eventually, kill

pytestmark = pytest.mark.processes


def has_begun(cluster: ScriptedCluster, programs: int) -> None:
    """Wait until so many programs have started since the beginning, and everything runs."""
    eventually(lambda: cluster.notes().count("started node") == programs and cluster.ready())


def kill_supervisor(cluster: ScriptedCluster) -> ProcessId:
    before = cluster.state().process
    assert before.send(signal.SIGKILL)
    return before


def kill_both(cluster: ScriptedCluster) -> None:
    supervisor, standby = cluster.state().process, cluster.part(STANDBY).process
    assert standby is not None
    assert standby.send(signal.SIGKILL)
    assert supervisor.send(signal.SIGKILL)


def test_a_killed_supervisor_is_replaced_and_starts_its_parts_again(cluster: ScriptedCluster) -> None:
    cluster.add("task", "task", once=True)
    cluster.add("node", starts_after=("task",))
    with cluster.supervised():
        has_begun(cluster, 1)
        standby = cluster.part(STANDBY).process
        kill_supervisor(cluster)
        has_begun(cluster, 2)
        assert cluster.notes() == ["started task", "started node"] * 2
        assert cluster.state().process == standby
        assert cluster.part(STANDBY).process != standby
        assert cluster.processes() == 3  # supervisor, standby, node
        stop(cluster.folder)
        assert cluster.processes() == 0


def test_the_successor_ends_what_its_predecessors_parts_had_started(cluster: ScriptedCluster) -> None:
    cluster.add("node", "child")
    with cluster.supervised():
        has_begun(cluster, 1)
        eventually(lambda: cluster.processes() == 4)
        before = set(belonging_to(cluster.folder.root))
        standby = cluster.part(STANDBY).process
        kill_supervisor(cluster)
        has_begun(cluster, 2)
        eventually(lambda: cluster.processes() == 4)
        assert before & set(belonging_to(cluster.folder.root)) == {standby}


def test_a_killed_standby_is_replaced_and_the_next_one_serves_as_well(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised() as supervisor:
        has_begun(cluster, 1)
        kill(cluster.part(STANDBY))
        eventually(lambda: cluster.part(STANDBY).restarts == 1)
        has_begun(cluster, 1)
        assert supervisor.poll() is None
        kill_supervisor(cluster)
        has_begun(cluster, 2)


def test_supervisors_killed_one_after_another_are_replaced_each_time(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised():
        seen = set()
        for life in range(1, 5):
            has_begun(cluster, life)
            seen.add(kill_supervisor(cluster))
        has_begun(cluster, 5)
        assert len(seen) == 4


def test_both_killed_at_once_leave_nothing(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised():
        has_begun(cluster, 1)
        kill_both(cluster)
        eventually(lambda: cluster.processes() == 0)
        assert read_supervisor_state(cluster.folder.supervisor_state) is None


def test_down_finds_what_both_killed_at_once_left(cluster: ScriptedCluster) -> None:
    cluster.add("node", "child")
    with cluster.supervised():
        eventually(lambda: cluster.ready() and cluster.processes() == 4)
        kill_both(cluster)
        eventually(lambda: cluster.processes() == 1)  # the descendant, in a session of its own
        stop(cluster.folder)
        assert cluster.processes() == 0


def test_down_right_after_a_kill_stays_down(cluster: ScriptedCluster) -> None:
    cluster.add("node", "child")
    with cluster.supervised():
        has_begun(cluster, 1)
        kill_supervisor(cluster)
        stop(cluster.folder)
        assert cluster.processes() == 0
        assert not cluster.folder.supervisor.exists()


def test_a_supervisor_told_to_end_has_no_successor(cluster: ScriptedCluster) -> None:
    cluster.add("node", "stubborn", stop_grace=30.0)
    with cluster.supervised() as supervisor:
        eventually(lambda: cluster.notes() == ["started node"])
        supervisor.terminate()
        eventually(lambda: cluster.notes()[-1] == "ended node")  # it goes on: the supervisor waits for it
        assert belonging_to(cluster.folder.root, STANDBY) == []
        supervisor.kill()
        eventually(lambda: cluster.processes() == 0)
        assert cluster.notes() == ["started node", "ended node"]


def test_without_its_plan_a_killed_supervisor_has_no_successor(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised():
        has_begun(cluster, 1)
        cluster.folder.plan.unlink()
        kill_supervisor(cluster)
        eventually(lambda: cluster.processes() == 0)
        assert cluster.notes() == ["started node"]


def test_a_cluster_whose_supervisor_is_being_replaced_counts_as_running(cluster: ScriptedCluster) -> None:
    cluster.add("node")
    with cluster.supervised() as supervisor:
        has_begun(cluster, 1)
        standby = cluster.part(STANDBY).process
        assert standby is not None
        assert standby.send(signal.SIGSTOP)  # the moment between the two, for as long as we look
        kill_supervisor(cluster)
        supervisor.wait()
        state = cluster.state()
        assert state.process == standby
        assert not state.stopping
        assert {part.phase for part in state.parts.values()} == {"waiting"}
        assert standby.send(signal.SIGCONT)
        has_begun(cluster, 2)
