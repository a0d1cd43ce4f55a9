from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mesh.local.node.container_state import ContainerView, Running, State, Terminated, Waiting
from mesh.local.node.status import PodView, is_ready, phase, pod_status

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUNNING = Running(NOW)


def ended(code: int) -> Terminated:
    return Terminated(code, "Completed" if code == 0 else "Error", NOW, NOW)


def view(*states: State, policy: str = "Always", initialized: bool = True, init: tuple[State, ...] = ()) -> PodView:
    return PodView(
        pod_ip="127.10.0.1",
        host_ip="127.0.0.1",
        started_at=NOW,
        restart_policy=policy,
        init_containers=[ContainerView(f"init{n}", "i", state) for n, state in enumerate(init)],
        containers=[ContainerView(f"c{n}", "i", state, ready=state is RUNNING) for n, state in enumerate(states)],
        initialized=initialized,
    )


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (view(Waiting()), "Pending"),
        (view(Waiting(), initialized=False), "Pending"),
        (view(RUNNING, Waiting()), "Running"),
        (view(RUNNING, ended(1)), "Running"),
        (view(ended(1)), "Running"),
        (view(ended(0)), "Running"),
        (view(ended(0), policy="Never"), "Succeeded"),
        (view(ended(0), ended(1), policy="Never"), "Failed"),
        (view(ended(0), ended(1), policy="OnFailure"), "Running"),
        (view(ended(0), policy="OnFailure"), "Succeeded"),
        (view(Waiting(), policy="Never", initialized=False, init=(ended(1),)), "Failed"),
        (view(Waiting(), policy="Always", initialized=False, init=(ended(1),)), "Pending"),
        (replace(view(ended(0)), terminating=True), "Succeeded"),
        (replace(view(ended(137)), terminating=True), "Failed"),
    ],
)
def test_the_phase_follows_from_the_containers(pod: PodView, expected: str) -> None:
    assert phase(pod) == expected


def test_a_container_in_back_off_has_run_before_so_the_pod_counts_as_running() -> None:
    crashing = ContainerView("c", "i", Waiting("CrashLoopBackOff"), last_state=ended(1), restarts=1)
    assert phase(replace(view(), containers=[crashing])) == "Running"


def test_a_job_is_over_when_its_own_containers_are_not_when_the_proxy_is() -> None:
    proxy = ContainerView("istio-proxy", "auto", RUNNING, ready=True, stays=True)
    pod = view(ended(0), policy="Never")
    assert phase(replace(pod, containers=[*pod.containers, proxy])) == "Succeeded"
    never_ran = replace(proxy, state=Waiting(), ready=False)
    assert phase(replace(pod, containers=[*pod.containers, never_ran])) == "Succeeded"


def test_a_pod_is_ready_when_all_its_containers_and_its_proxy_are() -> None:
    assert is_ready(view(RUNNING, RUNNING))
    assert not is_ready(view(RUNNING, Waiting()))
    assert not is_ready(replace(view(RUNNING), proxy_ready=False))
    assert not is_ready(replace(view(RUNNING), terminating=True))


def test_a_pod_that_nobody_can_find_yet_is_not_ready() -> None:
    conditions = pod_status(replace(view(RUNNING), in_mesh=False), {}, NOW)["conditions"]
    assert {each["type"]: each["status"] for each in conditions if each["type"] in {"Ready", "ContainersReady"}} == {
        "Ready": "False",
        "ContainersReady": "True",
    }


def test_a_condition_remembers_when_it_last_changed() -> None:
    since: dict[str, tuple[bool, datetime]] = {}
    pod_status(view(RUNNING), since, NOW)
    again = pod_status(view(RUNNING), since, NOW + timedelta(seconds=5))
    changed = pod_status(view(Waiting()), since, NOW + timedelta(seconds=9))
    ready = [next(c for c in status["conditions"] if c["type"] == "Ready") for status in (again, changed)]
    assert [(each["status"], each["lastTransitionTime"]) for each in ready] == [
        ("True", "2026-11-20T12:00:00Z"),
        ("False", "2026-11-20T12:00:09Z"),
    ]
    assert ready[1]["message"] == "containers with unready status: [c0]"


def test_an_ended_container_says_how_and_when() -> None:
    crashed = ContainerView("c", "i", Waiting("CrashLoopBackOff", "back-off 10s"), last_state=ended(137), restarts=3)
    [status] = pod_status(replace(view(), containers=[crashed]), {}, NOW)["containerStatuses"]
    assert status["restartCount"] == 3
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert status["lastState"]["terminated"]["exitCode"] == 137
    assert status["lastState"]["terminated"]["reason"] == "Error"


def test_a_pod_whose_init_containers_run_says_which_it_waits_for() -> None:
    status = pod_status(view(Waiting("PodInitializing"), initialized=False, init=(RUNNING,)), {}, NOW)
    [condition] = [each for each in status["conditions"] if each["type"] == "Initialized"]
    assert (condition["status"], condition["message"]) == ("False", "containers with incomplete status: [init0]")
