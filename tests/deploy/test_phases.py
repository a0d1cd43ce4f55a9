"""The namespace first, then all; Jobs that have ended and are others now make room; what has changed is known."""

from __future__ import annotations

import pytest

from mesh.deploy.overlay import Manifest
from mesh.deploy.phases import changed, to_apply, to_outlast, to_replace, to_wait_for
from tests.deploy.objects import job_with, manifest, overlay, pod_spec, workload

OTHER = pod_spec("argosy:next")


def test_the_namespace_goes_first_and_the_rest_in_its_order() -> None:
    rest = [manifest("ConfigMap", "a"), workload("Deployment", "b"), workload("Job", "c")]
    first, then = to_apply(overlay(*rest))
    assert [one["kind"] for one in first] == ["Namespace"]
    assert then == rest


def test_the_database_is_waited_for_before_the_migrations_and_those_before_the_roll_out() -> None:
    phases = to_wait_for(overlay(workload("Deployment", "b"), workload("Job", "m"), workload("StatefulSet", "p")))
    assert [(phase.title, phase.names) for phase in phases] == [
        ("database", ["p"]),
        ("migrations", ["m"]),
        ("roll-out", ["b"]),
    ]
    assert [phase.kind for phase in to_wait_for(overlay(workload("Deployment", "b")))] == ["Deployment"]


@pytest.mark.parametrize(
    ("present", "replaced", "outlasted"),
    [
        (job_with("Complete"), [], []),
        (job_with("Complete", OTHER), ["migration"], []),
        (job_with("Failed"), ["migration"], []),
        (workload("Job", "migration", OTHER, status={"active": 1, "ready": 0}), ["migration"], []),
        (workload("Job", "migration", OTHER, status={"active": 1, "ready": 1}), [], ["migration"]),
        (workload("Job", "migration", status={"active": 1, "ready": 1}), [], []),
    ],
    ids=["same", "another image", "failed", "another that never started", "another at work", "same at work"],
)
def test_a_job_makes_room_when_it_is_another_now_but_not_while_it_is_at_work(
    present: Manifest, replaced: list[str], outlasted: list[str]
) -> None:
    wanted = [workload("Job", "migration"), workload("Job", "not-there-yet")]
    assert (to_replace(wanted, [present]), to_outlast(wanted, [present])) == (replaced, outlasted)


def test_what_the_api_server_adds_to_a_job_makes_it_no_other() -> None:
    present = job_with("Complete", pod_spec() | {"dnsPolicy": "ClusterFirst"})
    present["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    assert to_replace([workload("Job", "migration")], [present]) == []
    present["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "taken", "value": "away"})
    assert to_replace([workload("Job", "migration")], [present]) == ["migration"]


def test_only_what_was_made_or_is_different_has_changed() -> None:
    before = [manifest("ConfigMap", "same", status={"was": 1}), manifest("ConfigMap", "other", {"a": 1})]
    after = [
        manifest("ConfigMap", "same", status={"is": 2}),
        manifest("ConfigMap", "other", {"a": 2}),
        manifest("ConfigMap", "new"),
    ]
    after[0]["metadata"]["resourceVersion"] = "7"
    assert changed(before, after) == ["configmap/other", "configmap/new"]
